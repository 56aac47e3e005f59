//! The demo's time: visitors move it, nobody else can, and it never goes back.

use chrono::TimeDelta;
use jishan::app::App;
use jishan::audit;
use jishan::clock::{Clock, begin_of, day_of, days_after};
use jishan::demo::clock;
use jishan::routes;

use crate::town::{STAFF, Town, morning, on_both, today};

on_both! {
    async fn everybody_who_is_signed_in_moves_the_demos_time(town: Town) {
        let town = town.into_demo(Clock::standing(morning()));
        let grid = town.signed_in("grid").await;
        let desk = grid.get("/desk").await.text;
        assert!(desk.contains("11月21日 周六"), "{desk}");
        assert!(desk.contains("value=\"2026-11-22\">快进一天<") && desk.contains("value=\"2026-11-25\">快进到25日<"));

        // It comes back to the page with its questions, in the morning of the day, still signed in.
        let page = grid.get("/households?query=w").await.text;
        assert!(page.contains("name=\"back\" value=\"/households?query=w\""), "{page}");
        let moved = grid.post("/demo/clock", &[("day", "2026-11-22"), ("back", "/households?query=w")]).await;
        assert_eq!((moved.status.as_u16(), moved.location()), (303, "/households?query=w"));
        assert_eq!(town.app.now(), begin_of(days_after(today(), 1)) + TimeDelta::hours(8));
        assert!(grid.get("/desk").await.text.contains("11月22日 周日"));

        // Pressed twice it moves once; a day that has come moves nothing.
        for day in ["2026-11-22", "2026-11-20", "1999-01-01"] {
            assert_eq!(grid.post("/demo/clock", &[("day", day)]).await.location(), "/desk");
        }
        assert_eq!(day_of(town.app.now()), days_after(today(), 1));
        let events = town.read(|conn| audit::events(conn, None, 1_000)).await;
        assert_eq!(events.iter().filter(|event| event.act == "demo.moved").count(), 1);
        assert!(town.signed_in("auditor").await.get("/audit").await.text.contains("演示快进"));

        // Weeks later the session is good still; and it is nobody's way out of the house.
        let moved = grid.post("/demo/clock", &[("day", "2026-12-25"), ("back", "//elsewhere.example")]).await;
        assert_eq!(moved.location(), "/desk");
        assert!(grid.get("/desk").await.text.contains("快进到1月25日"));
        for day in ["2027-12-25", "soon", ""] {
            let refused = grid.post("/demo/clock", &[("day", day)]).await;
            assert_eq!(refused.status, 422, "{day}");
            assert!(refused.text.contains("快进"), "{day}");
        }
    }
}

on_both! {
    async fn strangers_and_forms_of_other_sites_move_no_time(town: Town) {
        let town = town.into_demo(Clock::standing(morning()));
        let (stranger, grid) = (town.stranger(), town.signed_in("grid").await);
        let page = stranger.get("/").await.text;
        assert!(page.contains("11月21日 周六") && !page.contains("快进"), "{page}");
        let day = ("day", "2026-11-22");
        assert_eq!(stranger.post("/demo/clock", &[day]).await.status, 401);
        for token in [None, Some(""), Some("0"), Some(town.signed_in("grid").await.csrf())] {
            let fields: Vec<_> = std::iter::once(day).chain(token.map(|token| ("csrf", token))).collect();
            assert!(matches!(grid.post_bare("/demo/clock", &fields).await.status.as_u16(), 403 | 422), "{token:?}");
        }
        assert_eq!(town.app.now(), morning());
        for (name, ..) in STAFF {
            let answer = town.signed_in(name).await.post("/demo/clock", &[]).await;
            assert_eq!(answer.status, 422, "{name} is let in, and names no day");
        }
    }
}

on_both! {
    async fn outside_the_demo_there_is_no_such_door(town: Town) {
        let grid = town.signed_in("grid").await;
        assert!(!grid.get("/desk").await.text.contains("demo-strip"));
        assert_eq!(grid.post("/demo/clock", &[("day", "2026-11-22")]).await.status, 404);
        assert_eq!(town.stranger().get("/demo/clock").await.status, 404);
        assert_eq!(town.app.now(), morning());
    }
}

on_both! {
    async fn a_demo_goes_on_where_it_was_left(town: Town) {
        // A demo that nobody has moved shows the machine's time, or that of its last act if that is later.
        let now = Clock::System.now().max(morning());
        let fresh = clock::resumed(&town.app.db).await.unwrap();
        assert!((fresh.now() - now).abs() < TimeDelta::seconds(30));

        let first = town.into_demo(fresh);
        let day = days_after(day_of(first.app.now()), 40);
        let grid = first.signed_in("grid").await;
        assert_eq!(grid.post("/demo/clock", &[("day", &day.to_string())]).await.status, 303);

        // Opened again, the same browser is let in, on the day that it had come to.
        let again = App::demo(first.app.db.clone(), clock::resumed(&first.app.db).await.unwrap());
        assert_eq!(day_of(again.now()), day);
        assert!(again.now() - first.app.now() < TimeDelta::seconds(30));
        let desk = grid.in_house(routes::router(again)).get("/desk").await;
        assert_eq!(desk.status, 200);
    }
}

on_both! {
    async fn what_is_due_is_done_without_anybody_asking(town: Town) {
        // The task looks at once and goes on looking until it is dropped.
        let running = tokio::spawn(town.app.clone().keep_running_due());
        tokio::task::yield_now().await;
        assert!(!running.is_finished());
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        town.app.run_due().await.unwrap();
        town.expect_books_hold().await;
    }
}

//! Cards and a township's own templates: a broken one is seen in the preview, and no card is issued that could not be printed.

use std::fs;

use jishan::cards::card;
use jishan::papers::job::{self, Kind, State};
use jishan::press;
use jishan::print::Printer;
use jishan::routes;

use super::jobs::ask;
use crate::browser::{Answer, Visitor};
use crate::town::{HOUSEHOLDS, Town, WANG, on_both};

/// Cards of the whole town that are in use.
async fn cards_in_use(town: &Town) -> usize {
    let mut homes = Vec::new();
    for (code, ..) in HOUSEHOLDS {
        homes.push(town.household(code).await.id);
    }
    town.read(move |conn| card::numbers_in_use(conn, &homes)).await.len()
}

async fn issue(by: &Visitor, format: &str) -> Answer {
    let fields = [("key", "a"), ("reason", "首次制卡"), ("format", format)];
    by.post(&format!("/households/{WANG}/cards"), &fields).await
}

on_both! {
    async fn a_broken_template_of_cards_is_seen_and_issues_none(town: Town) {
        let folder = tempfile::tempdir().unwrap();
        let app = town.app.clone().with_printer(Printer::with_folder(folder.path().to_owned()));
        let admin = town.signed_in("admin").await.in_house(routes::router(app.clone()));
        let job = ask(&town, Kind::Cards, job::COMMAND_LINE).await.unwrap();

        // What a sheet shows as a drawing, and the card alone.
        fs::write(folder.path().join("card-back.typ"), "#let data = json(\"/data.json\")\n\n  #data.titel").unwrap();
        fs::write(folder.path().join("card.typ"), "#nothing-of-the-kind").unwrap();
        let preview = admin.get("/papers/preview/card-sheet").await;
        assert!(preview.status == 200 && preview.text.contains("card-back.typ 第3行第"), "{}", preview.text);
        assert!(preview.text.contains("<code>card-back.typ</code>。移走"), "{}", preview.text);
        assert!(admin.get("/papers/preview/card").await.text.contains("card.typ 第1行第"));

        for format in ["", "pdf"] {
            let refused = issue(&admin, format).await;
            assert!(refused.status == 409 && refused.text.contains("card.typ 第1行第"), "{}", refused.text);
        }
        let asked = admin.post("/print-jobs", &[("kind", "cards"), ("area", ""), ("flip", "long")]).await;
        assert!(asked.status == 409 && asked.text.contains("card-back.typ 第3行第"), "{}", asked.text);
        // A job from before the template was broken.
        let prints = tempfile::tempdir().unwrap();
        let error = press::run(&app, &job.id, prints.path(), |_| ()).await.unwrap_err();
        assert!(error.to_string().contains("card-back.typ 第3行第"), "{error}");
        assert_eq!(cards_in_use(&town).await, 0);

        // What all papers share is named as one's own with each of them.
        let original = Printer::original("lib.typ").unwrap();
        fs::write(folder.path().join("lib.typ"), original).unwrap();
        let preview = admin.get("/papers/preview/notice").await.text;
        assert!(preview.contains("<code>lib.typ</code>。移走") && preview.contains("公示（本地）"), "{preview}");
        fs::remove_file(folder.path().join("lib.typ")).unwrap();

        // Put right, everything goes on.
        fs::remove_file(folder.path().join("card-back.typ")).unwrap();
        fs::remove_file(folder.path().join("card.typ")).unwrap();
        let preview = admin.get("/papers/preview/card-sheet").await.text;
        assert!(!preview.contains("第3行") && preview.contains("/papers/preview/card-sheet/picture?page=1"), "{preview}");
        assert_eq!(admin.get("/papers/preview/card/picture?page=0").await.header("content-type"), "image/png");
        assert_eq!(issue(&admin, "").await.status, 200);
        assert_eq!(press::run(&app, &job.id, prints.path(), |_| ()).await.unwrap().state, State::Done);
        assert_eq!(cards_in_use(&town).await, HOUSEHOLDS.len());
    }
}

//! Public text: sentences as village secretaries write them, those that may not be shown and those that may.
//!
//! Each list was written before the rules were looked at again. Of the first two the rules found 49 of 66 bad ones and
//! wronged 5 of 64 good ones; then they were generalised. `held_out_*` were written after that.

use jishan::council::public_text::findings;

fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.trim().is_empty()).collect()
}

fn missed(bad: &str) -> Vec<&str> {
    lines(bad)
        .into_iter()
        .filter(|text| findings(text, "王建国").is_empty())
        .collect()
}

fn wronged(good: &str) -> Vec<String> {
    let told = |text: &str| format!("{text}：{}", findings(text, "王建国").join("；"));
    lines(good)
        .into_iter()
        .filter(|text| !findings(text, "王建国").is_empty())
        .map(told)
        .collect()
}

#[test]
fn what_is_nobodys_business_is_found() {
    assert_eq!(missed(include_str!("public_text/bad.txt")), Vec::<&str>::new());
}

#[test]
fn good_deeds_can_be_told() {
    assert_eq!(wronged(include_str!("public_text/good.txt")), Vec::<String>::new());
}

/// Written when the rules were done: they found 24 of the 31 bad ones and let all 30 good ones pass. The seven words that
/// were missing have been learnt since.
#[test]
fn what_was_held_out_is_judged_right_by_now() {
    assert_eq!(missed(include_str!("public_text/held_out_bad.txt")), Vec::<&str>::new());
    assert_eq!(
        wronged(include_str!("public_text/held_out_good.txt")),
        Vec::<String>::new()
    );
}

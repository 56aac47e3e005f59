//! What is read in bad photographs of cards.

use jishan::cards::photo::decode_photo;

use super::camera::take;

#[test]
fn nine_of_ten_bad_photographs_are_read_and_none_wrongly() {
    let kinds = ["turned", "tilted", "blurred", "glare", "noise", "small"];
    let all: Vec<_> = kinds
        .map(|kind| take(kind, 8, |photo| (decode_photo(photo), 0.0)))
        .into();
    let (read, taken) = all
        .iter()
        .fold((0, 0), |(read, taken), one| (read + one.read, taken + one.taken));
    let told: Vec<_> = all.iter().map(|one| (one.kind, one.read, one.millis.len())).collect();
    assert!(read * 10 >= taken * 9, "{read} of {taken}: {told:?}");
}

//! Pages of the boards: what hangs for everybody, the same for a television, what the loudspeaker says, and the staff's pages
//! of photographs.

mod board;
mod broadcast;
mod kiosk;
mod pictures;

pub use board::board;
pub use broadcast::{broadcast, script, speech};
pub use kiosk::kiosk;
pub use pictures::{
    add_picture, board_photo, decide_picture, new_picture, own_picture, picture, picture_file, pictures,
};

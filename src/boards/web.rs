//! Pages of the boards: what hangs for everybody, the same for a television, and what the loudspeaker says.

mod board;
mod broadcast;
mod kiosk;

pub use board::board;
pub use broadcast::{broadcast, script, speech};
pub use kiosk::kiosk;

//! Why there is no recording: what the speech engine could not do; and why a photograph is not taken, or not shown.

use std::fmt;

use super::picture::State;
use crate::error::Refusal;

/// A recording that was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// This machine has no speech engine.
    NoVoice,
    /// It took too long.
    TooSlow,
    /// It answered with something else than a recording.
    Mute,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Refused::NoVoice => "这台服务器没有装语音程序，不能生成录音。请照着稿子念，或者把文字稿拷进播报器。",
            Refused::TooSlow => "录音做得太久，没有做完。请少选几条再试，或者照着稿子念。",
            Refused::Mute => "语音程序没有做出录音。请照着稿子念，并请管理员看看语音程序装好没有。",
        })
    }
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Refused::NoVoice => "no_voice",
            Refused::TooSlow => "voice_too_slow",
            Refused::Mute => "voice_mute",
        }
    }
}

/// Why a photograph is not on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// The household has not agreed to stand on the board, or not any more.
    NoBoardConsent,
    /// It has not agreed to photographs, or not any more.
    NoPhotoConsent,
    /// The deed or title is on no board: taken back, over, or of those who decide.
    NotOnBoard,
    /// The wall of good deeds has no sentence of it.
    NotTold,
}

impl Hidden {
    /// Why, in a sentence.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Hidden::NoBoardConsent => "本户没有同意上光荣榜，或者已经收回。",
            Hidden::NoPhotoConsent => "本户没有同意使用照片，或者已经收回。",
            Hidden::NotOnBoard => "这件事不在榜上：没有入账或授予、已经撤下，或者是工作人员、评议会成员的家庭。",
            Hidden::NotTold => "这件好事公示时没有写一句话，好人墙上没有它，照片没有地方放。",
        }
    }
}

/// A photograph that is not taken or not decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureRefused {
    /// It would not be shown.
    Hidden(Hidden),
    /// Somebody under eighteen is on it, and no guardian has agreed.
    Children,
    /// There is one already.
    AlreadyThere,
    /// It was decided already.
    Decided(State),
    /// The person who added it cannot approve it.
    SecondPerson,
}

impl fmt::Display for PictureRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PictureRefused::Hidden(hidden) => write!(formatter, "照片现在不能上榜。{}", hidden.in_words()),
            PictureRefused::Children => formatter.write_str(
                "照片里有未成年人，监护人没有书面同意，照片没有收。请先请监护人签同意书，或者换一张没有孩子的。",
            ),
            PictureRefused::AlreadyThere => formatter.write_str("这件事已经有一张照片。要换照片，请先撤下原来的。"),
            PictureRefused::Decided(state) => {
                write!(formatter, "这张照片已经办过了：{}。请刷新页面查看。", state.label())
            }
            PictureRefused::SecondPerson => formatter.write_str("您传的照片，由另一人看过才能上榜。"),
        }
    }
}

impl Refusal for PictureRefused {
    fn code(&self) -> &'static str {
        match self {
            PictureRefused::Hidden(Hidden::NoBoardConsent) => "no_board_consent",
            PictureRefused::Hidden(Hidden::NoPhotoConsent) => "no_photo_consent",
            PictureRefused::Hidden(Hidden::NotOnBoard) => "not_on_board",
            PictureRefused::Hidden(Hidden::NotTold) => "not_told_on_board",
            PictureRefused::Children => "guardian_has_not_agreed",
            PictureRefused::AlreadyThere => "picture_already_there",
            PictureRefused::Decided(_) => "already_decided",
            PictureRefused::SecondPerson => "second_person",
        }
    }
}

//! Why there is no recording: what the speech engine could not do.

use std::fmt;

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

//! Speech: a script as a recording, where this machine has a speech engine (espeak-ng). Nothing depends on it.
//!
//! The text goes in through the engine's standard input and never onto its command line, where everybody on the machine
//! could read it; the recording comes out through its standard output. Nothing of either lies on the disk.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::refused::Refused;
use super::script::Rate;
use crate::error::{Error, Result};

/// The engine, as its package names it.
const ENGINE: &str = "espeak-ng";
/// A minute of speech takes a small machine a second or two; an engine that hangs is ended.
const PATIENCE: Duration = Duration::from_secs(20);
/// The largest recording, in bytes: ten minutes as the engine makes them.
const MOST: u64 = 32 * 1024 * 1024;

/// The speech engine of this machine, if it has one.
#[derive(Clone, Debug, Default)]
pub struct Voice(Option<PathBuf>);

impl Voice {
    /// Looks for the engine among the programs of this machine: once, when the server starts.
    #[must_use]
    pub fn look() -> Voice {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let engines = std::env::split_paths(&folders).map(|folder| folder.join(ENGINE));
        Voice(engines.into_iter().find(|engine| engine.is_file()))
    }

    /// This program, which reads a text and writes a recording as the engine does.
    #[must_use]
    pub fn of(program: PathBuf) -> Voice {
        Voice(Some(program))
    }

    /// Can this machine speak?
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Reads a text aloud into a recording, a WAV file. It takes seconds: outside the database.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn speak(&self, text: &str, rate: Rate) -> Result<Vec<u8>> {
        let program = self.0.as_ref().ok_or(Refused::NoVoice)?;
        let mut engine = Command::new(program)
            .args(["-v", "cmn", "-s", words_a_minute(rate), "--stdin", "--stdout"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| Refused::Mute)?;
        let heard = hear(&mut engine, text);
        // It is ended in any case, and waited for, so that nothing of it stays behind.
        let _ = engine.kill();
        engine.wait().map_err(Error::internal)?;
        Ok(sealed(heard?)?)
    }
}

/// At these speeds a script of ten sentences takes as long as `Script::seconds` says, 49, 37 and 30 seconds:
/// measured with espeak-ng 1.51, whose pauses at the signs do not grow shorter in step.
fn words_a_minute(rate: Rate) -> &'static str {
    match rate {
        Rate::Slow => "180",
        Rate::Usual => "230",
        Rate::Fast => "280",
    }
}

/// Hands the text in and waits for all that comes out.
fn hear(engine: &mut Child, text: &str) -> Result<Vec<u8>, Refused> {
    let (Some(mut ear), Some(mouth)) = (engine.stdin.take(), engine.stdout.take()) else {
        return Err(Refused::Mute);
    };
    let text = text.to_owned();
    // An engine that does not read to the end is heard all the same.
    thread::spawn(move || ear.write_all(text.as_bytes()));
    let (told, telling) = mpsc::channel();
    thread::spawn(move || {
        let mut recording = Vec::new();
        let read = mouth.take(MOST).read_to_end(&mut recording);
        told.send(read.map(|_| recording))
    });
    match telling.recv_timeout(PATIENCE) {
        Ok(Ok(recording)) => Ok(recording),
        Ok(Err(_)) => Err(Refused::Mute),
        Err(_) => Err(Refused::TooSlow),
    }
}

/// The length of a WAV file's head.
const HEAD: usize = 44;

/// A recording with its lengths written into its head: an engine that writes into a pipe does not know them when it begins,
/// and a player of the loudspeaker believes what stands there.
fn sealed(mut recording: Vec<u8>) -> Result<Vec<u8>, Refused> {
    let length = recording.len();
    let is_wav = recording.starts_with(b"RIFF") && recording.get(8..12) == Some(b"WAVE".as_slice());
    if !is_wav || length <= HEAD {
        return Err(Refused::Mute);
    }
    write_length(&mut recording, 4, length.saturating_sub(8))?;
    if recording.get(36..40) == Some(b"data".as_slice()) {
        write_length(&mut recording, 40, length.saturating_sub(HEAD))?;
    }
    Ok(recording)
}

fn write_length(recording: &mut [u8], at: usize, length: usize) -> Result<(), Refused> {
    let length = u32::try_from(length).map_err(|_| Refused::Mute)?;
    let place = recording.get_mut(at..at.saturating_add(4)).ok_or(Refused::Mute)?;
    place.copy_from_slice(&length.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_tells_its_own_length() {
        let mut recording = b"RIFF\xff\xff\xff\x7fWAVEfmt ".to_vec();
        recording.extend([0; 20]);
        recording.extend(b"data\xff\xff\xff\x7f");
        recording.extend([1; 10]);
        let sealed = sealed(recording).unwrap();
        assert_eq!(sealed.len(), 54);
        assert_eq!(sealed.get(4..8), Some([46, 0, 0, 0].as_slice()));
        assert_eq!(sealed.get(40..44), Some([10, 0, 0, 0].as_slice()));
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        for noise in [
            b"".to_vec(),
            b"RIFF".to_vec(),
            b"Error: no voice".repeat(10),
            vec![0; 100],
        ] {
            assert_eq!(sealed(noise), Err(Refused::Mute));
        }
    }
}

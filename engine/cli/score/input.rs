//! Lines of a file or of standard input, plain or gzip, in chunks of bounded size.

use crate::exit::BadInput;
use anyhow::Context as _;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A chunk ends with the line that reaches this size.
const CHUNK_BYTES: usize = 4 << 20;
/// A longer line is refused instead of being held in memory.
const LINE_BYTES_MAX: usize = 64 << 20;

/// A source of lines.
pub(super) struct Lines {
    source: Box<dyn BufRead + Send>,
    line_number: usize,
}

/// Some lines, with their numbers in the file.
#[derive(Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

struct Line {
    /// Counted from 1.
    number: usize,
    start: usize,
    end: usize,
    too_long: bool,
}

impl Lines {
    /// Opens a file, or standard input for `-`; gzip is recognised by its first bytes.
    pub(super) fn open(path: &Path) -> anyhow::Result<Lines> {
        let source: Box<dyn Read + Send> = if path.as_os_str() == "-" {
            Box::new(io::stdin())
        } else {
            let file = File::open(path);
            Box::new(file.map_err(|error| BadInput(format!("cannot open {}: {error}", path.display())))?)
        };
        let mut source = BufReader::with_capacity(1 << 16, source);
        let is_gzip = source
            .fill_buf()
            .with_context(|| format!("cannot read {}", path.display()))?
            .starts_with(&[0x1f, 0x8b]);
        let source: Box<dyn BufRead + Send> = if is_gzip {
            Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(source)))
        } else {
            Box::new(source)
        };
        Ok(Lines { source, line_number: 0 })
    }

    /// The next lines; none at the end.
    pub(super) fn next_chunk(&mut self) -> anyhow::Result<Option<Chunk>> {
        let mut chunk = Chunk::default();
        while chunk.bytes.len() < CHUNK_BYTES {
            if !self
                .read_line(&mut chunk)
                .with_context(|| format!("cannot read line {}", self.line_number))?
            {
                break;
            }
        }
        Ok((!chunk.lines.is_empty()).then_some(chunk))
    }

    fn read_line(&mut self, chunk: &mut Chunk) -> io::Result<bool> {
        self.line_number += 1;
        let start = chunk.bytes.len();
        let limit = LINE_BYTES_MAX as u64 + 1;
        if (&mut self.source).take(limit).read_until(b'\n', &mut chunk.bytes)? == 0 {
            return Ok(false);
        }
        let ended = chunk.bytes.last() == Some(&b'\n');
        let too_long = chunk.bytes.len() - start > LINE_BYTES_MAX && !ended;
        if too_long {
            chunk.bytes.truncate(start);
            self.source.skip_until(b'\n')?;
        }
        chunk.lines.push(Line { number: self.line_number, start, end: chunk.bytes.len(), too_long });
        Ok(true)
    }
}

impl Chunk {
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// A line and its number; the error says why it cannot be read.
    pub(super) fn line(&self, index: usize) -> (usize, Result<&[u8], String>) {
        let line = &self.lines[index];
        if line.too_long {
            return (line.number, Err(format!("longer than {LINE_BYTES_MAX} bytes")));
        }
        let bytes = self.bytes[line.start..line.end].trim_ascii_end();
        (line.number, if bytes.is_empty() { Err("the line is blank".to_owned()) } else { Ok(bytes) })
    }
}

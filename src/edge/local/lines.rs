//! Lines out of a byte stream that nobody vouches for: bounded, and never out of step.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::edge::codec::MAX_REQUEST;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end.
    Whole(Vec<u8>),
    /// More than [`MAX_REQUEST`] bytes without a line end; said once, the rest of it is skipped.
    TooLong,
}

/// The reader.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    skipping: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            skipping: false,
        }
    }

    /// The next line that is not blank; `None` at the end of the stream. A last line needs no end. May be dropped at
    /// any await: nothing is lost.
    pub(super) async fn next(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                let rest = std::mem::take(&mut self.line);
                let whole = !self.skipping && !rest.trim_ascii().is_empty();
                return Ok(whole.then_some(Line::Whole(rest)));
            }
            let end = chunk.iter().position(|b| *b == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let mut came = None;
            if self.skipping {
                self.skipping = end.is_none();
            } else if self.line.len() + part.len() > MAX_REQUEST {
                self.line = Vec::new();
                self.skipping = end.is_none();
                came = Some(Line::TooLong);
            } else {
                self.line.extend_from_slice(part);
                if end.is_some() {
                    came = Some(Line::Whole(std::mem::take(&mut self.line)));
                }
            }
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.reader.consume(used);
            match came {
                Some(Line::Whole(line)) if line.trim_ascii().is_empty() => {}
                Some(came) => return Ok(Some(came)),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(mut input: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(&mut input);
        let mut out = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            out.push(line);
        }
        out
    }

    fn whole(text: &[u8]) -> Line {
        Line::Whole(text.to_vec())
    }

    #[tokio::test]
    async fn lines_come_whole_and_blank_ones_not_at_all() {
        assert_eq!(
            all(b"a\n\n \r\nbc\nd").await,
            [whole(b"a"), whole(b"bc"), whole(b"d")]
        );
        assert_eq!(all(b"").await, []);
    }

    #[tokio::test]
    async fn a_line_too_long_is_said_once_and_the_next_one_is_good() {
        let longest = vec![b'x'; MAX_REQUEST];
        let input = [&longest[..], b"\n", &longest, b"yyy\nz\n"].concat();
        assert_eq!(
            all(&input).await,
            [whole(&longest), Line::TooLong, whole(b"z")]
        );
        let endless = vec![b'x'; 3 * MAX_REQUEST];
        assert_eq!(all(&endless).await, [Line::TooLong]);
        // Its end comes in the very chunk that makes it too long.
        let input = [&longest[..], b"y\nz"].concat();
        assert_eq!(all(&input).await, [Line::TooLong, whole(b"z")]);
    }
}

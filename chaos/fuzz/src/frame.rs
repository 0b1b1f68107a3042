//! What nodes say to each other.

use bytes::BytesMut;
use hongyan_transport::frame::{Frame, FrameError, Parser};

/// Bytes of another node: never a panic, the same frames however they arrive, and each frame is read as it was written.
pub fn frames(bytes: &[u8]) {
    let whole = parse(std::iter::once(bytes));
    let pieces = parse(bytes.chunks(7));
    assert_eq!(whole, pieces);
    for frame in whole.0 {
        let mut written = BytesMut::new();
        frame.write(&mut written);
        assert_eq!(parse(std::iter::once(&written[..])), (vec![frame], None));
    }
}

fn parse<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<FrameError>) {
    let (mut parser, mut frames) = (Parser::default(), Vec::new());
    for piece in pieces {
        parser.buffer().extend_from_slice(piece);
        loop {
            match parser.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

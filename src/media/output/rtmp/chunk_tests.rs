//! Tests of the chunk layer.

use proptest::prelude::*;

use super::*;

fn drain(out: &mut Outgoing) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !out.is_empty() {
        let some: Vec<u8> = out.io_slices().iter().flat_map(|s| s.to_vec()).collect();
        out.advance(some.len());
        bytes.extend(some);
    }
    bytes
}

fn lane() -> impl Strategy<Value = Lane> {
    prop_oneof![
        Just(Lane::Control),
        Just(Lane::Command),
        Just(Lane::Audio),
        Just(Lane::Data),
        Just(Lane::Video)
    ]
}

proptest! {
    #[test]
    fn what_the_writer_cuts_the_reader_joins(
        messages in proptest::collection::vec(
            (lane(), any::<u32>(), 0usize..700, 1usize..5, 0u32..3), 1..30),
        chunk in 1usize..300,
        pieces in proptest::collection::vec(1usize..500, 1..10),
    ) {
        let (mut writer, mut out, mut reader) = (Writer::default(), Outgoing::default(), Reader::default());
        writer.write(Lane::Control, kind::SET_CHUNK_SIZE, 0, 0,
            &[Bytes::copy_from_slice(&u32::try_from(chunk).unwrap().to_be_bytes())], &mut out);
        writer.set_chunk(chunk);
        let mut want = Vec::new();
        for (lane, timestamp, size, cuts, stream) in messages {
            let body: Vec<u8> = (0..size).map(|i| (i * 31 + cuts) as u8).collect();
            let parts: Vec<Bytes> = body.chunks((size / cuts).max(1)).map(Bytes::copy_from_slice).collect();
            writer.write(lane, kind::DATA, stream, timestamp, &parts, &mut out);
            want.push(Message { kind: kind::DATA, stream, timestamp, payload: body.into() });
        }
        let wire = drain(&mut out);
        let (mut at, mut got) = (0, Vec::new());
        for piece in pieces.iter().cycle() {
            if at >= wire.len() { break }
            let end = (at + piece).min(wire.len());
            reader.feed(&wire[at..end]);
            at = end;
            while let Some(m) = reader.next_message().unwrap() {
                if m.kind == kind::DATA { got.push(m) }
            }
        }
        prop_assert_eq!(got, want);
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_within_bounds(
        blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..40),
    ) {
        let mut reader = Reader::default();
        for block in blocks {
            reader.feed(&block);
            loop {
                match reader.next_message() {
                    Ok(Some(m)) => prop_assert!(m.payload.len() <= MAX_MESSAGE),
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
            }
            prop_assert!(reader.streams.len() <= MAX_STREAMS && reader.unfinished <= MAX_UNFINISHED);
            prop_assert_eq!(reader.unfinished, reader.streams.values().map(|s| s.body.len()).sum::<usize>());
        }
    }

    /// Like the above, but of well-formed headers, so that it comes further in.
    #[test]
    fn hostile_headers_stay_within_bounds(
        chunks in proptest::collection::vec((0u8..4, 2u8..8, 0u32..300, 0u8..7, proptest::collection::vec(any::<u8>(), 0..130)), 0..60),
    ) {
        let mut reader = Reader::default();
        for (format, id, length, kind, body) in chunks {
            let mut wire = vec![format << 6 | id];
            if format < 3 { wire.extend_from_slice(&[0, 0, 5]) }
            if format < 2 { wire.extend_from_slice(&length.to_be_bytes()[1..]); wire.push(kind) }
            if format < 1 { wire.extend_from_slice(&[1, 0, 0, 0]) }
            wire.extend_from_slice(&body);
            reader.feed(&wire);
            loop {
                match reader.next_message() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
            }
            prop_assert_eq!(reader.unfinished, reader.streams.values().map(|s| s.body.len()).sum::<usize>());
        }
    }
}

fn one(wire: &[u8]) -> Result<Option<Message>, ProtocolError> {
    let mut reader = Reader::default();
    reader.feed(wire);
    reader.next_message()
}

#[test]
fn extended_timestamps_stand_in_every_chunk_of_the_message() {
    let (mut writer, mut out) = (Writer::default(), Outgoing::default());
    let body = Bytes::from(vec![5; 200]);
    writer.write(Lane::Video, kind::VIDEO, 1, 0x0123_4567, &[body], &mut out);
    let wire = drain(&mut out);
    assert_eq!(wire[..4], [6, 0xFF, 0xFF, 0xFF]);
    assert_eq!(wire[12..16], [1, 0x23, 0x45, 0x67]);
    assert_eq!(wire[16 + 128..16 + 128 + 5], [0xC6, 1, 0x23, 0x45, 0x67]);
    assert_eq!(one(&wire).unwrap().unwrap().timestamp, 0x0123_4567);
}

#[test]
fn timestamps_wrap_as_small_deltas() {
    let (mut writer, mut out) = (Writer::default(), Outgoing::default());
    let body = || [Bytes::from_static(b"x")];
    writer.write(Lane::Video, kind::VIDEO, 1, u32::MAX - 9, &body(), &mut out);
    drain(&mut out);
    writer.write(Lane::Video, kind::VIDEO, 1, 20, &body(), &mut out);
    assert_eq!(
        drain(&mut out),
        [0x46, 0, 0, 30, 0, 0, 1, kind::VIDEO, b'x']
    );
}

#[test]
fn larger_chunk_stream_ids_are_read() {
    let tail = [0, 0, 7, 0, 0, 1, kind::DATA, 9, 0, 0, 0, b'y'];
    for basic in [&[0, 10][..], &[1, 10, 1][..]] {
        let m = one(&[basic, &tail].concat()).unwrap().unwrap();
        assert_eq!((m.stream, m.timestamp, &m.payload[..]), (9, 7, &b"y"[..]));
    }
}

#[test]
fn bounds_and_broken_control_messages_are_errors() {
    let head = |length: [u8; 3], kind| {
        [
            3, 0, 0, 0, length[0], length[1], length[2], kind, 0, 0, 0, 0,
        ]
    };
    assert_eq!(
        one(&head([0x10, 0, 1], 20)),
        Err(ProtocolError::MessageSize(0x10_0001))
    );
    assert_eq!(one(&[0xC5]), Err(ProtocolError::NoHeader));
    let mut zero = head([0, 0, 4], kind::SET_CHUNK_SIZE).to_vec();
    zero.extend_from_slice(&[0; 4]);
    assert_eq!(one(&zero), Err(ProtocolError::Control));
    let mut short = head([0, 0, 2], kind::ABORT).to_vec();
    short.extend_from_slice(&[0; 2]);
    assert_eq!(one(&short), Err(ProtocolError::Control));

    let mut reader = Reader::default();
    let mut last = Ok(None);
    for id in 2..=80u32 {
        let mut wire = if id < 64 {
            vec![u8::try_from(id).unwrap()]
        } else {
            vec![0, u8::try_from(id - 64).unwrap()]
        };
        wire.extend_from_slice(&[0, 0, 0, 0, 1, 0, 20, 0, 0, 0, 0]);
        wire.extend_from_slice(&[0; 128]);
        reader.feed(&wire);
        last = reader.next_message();
        if last.is_err() {
            break;
        }
    }
    assert_eq!(last, Err(ProtocolError::ChunkStreams));
}

use std::path::PathBuf;
use std::sync::mpsc;

use super::super::item::{Comment, Rank, Run};
use super::super::state::Settings;
use super::*;
use crate::config::{ModerationConfig, RoomConfig};

/// How long a test waits for the thread, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(in crate::room) fn room(mode: ModerationMode) -> Room {
    Room::new(&Settings {
        moderation: ModerationConfig {
            mode,
            delay_s: 0.05,
            words: "badword".into(),
            words_file: PathBuf::new(),
            links: false,
            max_graphemes: 100,
            repeat_s: 0.0,
            author_per_s: 20.0,
            author_tau_s: 1.0,
            author_burst: 20.0,
            author_suppress: false,
        },
        words: Vec::new(),
        room: RoomConfig {
            name: None,
            bridges: true,
            max_drawn_per_s: 20.0,
        },
    })
    .unwrap()
}

fn start(mode: ModerationMode) -> (RoomHandle, mpsc::Receiver<Output>) {
    let (tell, told) = mpsc::channel();
    let outputs = Box::new(move |output| {
        // The test may be over already.
        let _ = tell.send(output);
    });
    (
        RoomHandle::start(room(mode), Clock::real(), outputs).unwrap(),
        told,
    )
}

fn asked(handle: &RoomHandle, ask: Ask) -> Result<Answer> {
    handle.ask(ask)?.blocking_recv().expect("the room lives")
}

/// Waits until as many were looked at.
fn until_taken(handle: &RoomHandle, taken: u64) -> Counts {
    let until = Instant::now() + PATIENCE;
    loop {
        let counts = handle.counts();
        if counts.taken >= taken {
            return counts;
        }
        assert!(Instant::now() < until, "{counts:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_is_offered_comes_out_and_what_waits_comes_by_itself() {
    for mode in [ModerationMode::Free, ModerationMode::Delay] {
        let (handle, told) = start(mode);
        assert!(handle.offer("test", Bytes::from_static(b"hello")));
        let output = told.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(output, Output::Comment(_, c) if c.text == "hello"));
        assert!(handle.stop());
    }
}

#[test]
fn requests_are_answered() {
    let (handle, told) = start(ModerationMode::Hold);
    let item = Item::Comment(Comment {
        text: "hi".into(),
        who: None,
        rank: Rank::Text,
        run: Run::Scroll,
        colour: None,
        platform: None,
    });
    let Ok(Answer::Verdict(Verdict::Held(id))) = asked(&handle, Ask::Take { item, author: None })
    else {
        panic!("it must be held");
    };
    let Ok(Answer::Queue(queue)) = asked(&handle, Ask::Queue) else {
        panic!("there is a queue");
    };
    assert_eq!(queue.iter().map(|w| w.id).collect::<Vec<_>>(), [id]);
    assert_eq!(asked(&handle, Ask::Approve(id)).unwrap(), Answer::Done);
    assert!(matches!(told.recv_timeout(PATIENCE), Ok(Output::Comment(shown, _)) if shown == id));
    assert_eq!(asked(&handle, Ask::Reject(id)).unwrap(), Answer::Done);
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Output::Withdraw(id)));
    assert_eq!(
        asked(&handle, Ask::Approve(id)).unwrap_err().kind(),
        Kind::NotFound
    );
    assert!(handle.stop());
    assert_eq!(handle.ask(Ask::Queue).unwrap_err().kind(), Kind::InUse);
    assert!(!handle.offer("test", Bytes::from_static(b"late")));
}

/// An output that stands still until it is let go, so that what is offered waits.
fn blocked(mode: ModerationMode) -> (RoomHandle, mpsc::Receiver<Output>, mpsc::Sender<()>) {
    let (tell, told) = mpsc::channel();
    let (let_go, gate) = mpsc::channel::<()>();
    let outputs = Box::new(move |output| {
        let _ = tell.send(output);
        // The sender is dropped: let go for good.
        let _ = gate.recv();
    });
    (
        RoomHandle::start(room(mode), Clock::real(), outputs).unwrap(),
        told,
        let_go,
    )
}

#[test]
fn panic_overtakes_all_that_waits() {
    let (handle, told, let_go) = blocked(ModerationMode::Free);
    assert!(handle.offer("test", Bytes::from_static(b"first")));
    assert!(matches!(
        told.recv_timeout(PATIENCE),
        Ok(Output::Comment(..))
    ));
    for n in 0..10_000 {
        assert!(handle.offer("test", format!("text {n}").into()));
    }
    let answer = handle.ask(Ask::SetPanic(true)).unwrap();
    drop(let_go);
    assert_eq!(answer.blocking_recv().unwrap().unwrap(), Answer::Done);
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Output::Clear));
    assert!(handle.offer("test", Bytes::from_static(b"during")));
    let counts = until_taken(&handle, 10_002);
    assert_eq!(counts.refused[&Reason::Panic], 10_001);
    assert_eq!(counts.shown, 1);
    assert!(handle.stop());
    assert!(
        told.try_iter().next().is_none(),
        "nothing comes after the clearing"
    );
}

#[test]
fn a_full_queue_refuses_and_counts_and_the_offerer_never_waits() {
    let (handle, told, let_go) = blocked(ModerationMode::Free);
    assert!(handle.offer("test", Bytes::from_static(b"first")));
    told.recv_timeout(PATIENCE).unwrap();
    let mut refused = 0;
    for _ in 0..MAX_MESSAGES + 1000 {
        refused += u64::from(!handle.offer("test", Bytes::from_static(b"more")));
    }
    assert_eq!(refused, 1000);
    let big = Bytes::from(vec![b'x'; MAX_PAYLOAD + 1]);
    assert!(!handle.offer("test", big));
    let counts = handle.counts();
    assert_eq!(counts.refused[&Reason::Overflow], 1000);
    assert_eq!(counts.refused[&Reason::TooLarge], 1);
    drop(let_go);
    let counts = until_taken(&handle, MAX_MESSAGES as u64 + 1002);
    assert_eq!(counts.settled(), counts.taken, "{counts:?}");
    assert!(handle.stop());
}

#[test]
fn bytes_that_wait_are_bounded() {
    let (handle, told, let_go) = blocked(ModerationMode::Free);
    assert!(handle.offer("test", Bytes::from_static(b"first")));
    told.recv_timeout(PATIENCE).unwrap();
    let large = Bytes::from(vec![b'x'; MAX_PAYLOAD]);
    let taken = (0..MAX_MESSAGES)
        .take_while(|_| handle.offer("test", large.clone()))
        .count();
    assert_eq!(taken, MAX_BYTES / MAX_PAYLOAD);
    drop(let_go);
    assert!(handle.stop());
}

#[test]
fn an_output_that_hangs_does_not_hang_the_end() {
    let (handle, told, let_go) = blocked(ModerationMode::Free);
    assert!(handle.offer("test", Bytes::from_static(b"first")));
    told.recv_timeout(PATIENCE).unwrap();
    let answer = handle.ask(Ask::Queue).unwrap();
    let began = Instant::now();
    assert!(!handle.stop(), "it cannot end");
    assert!(began.elapsed() >= STOP_LIMIT && began.elapsed() < STOP_LIMIT + PATIENCE);
    drop(let_go);
    assert!(answer.blocking_recv().is_err(), "nobody answers any more");
    assert!(handle.stop(), "now it could end");
}

#[test]
fn how_many_messages_a_second_it_takes() {
    let flood = r#""kind":"chat","who":"viewer N","text":"what does number N cost?""#;
    // Refused for its word, so the room's limit is never reached and each one is judged to the end.
    let judged = r#""kind":"chat","text":"what does number N cost, you badword?""#;
    for (name, message) in [("a flood", flood), ("each one judged", judged)] {
        let (handle, _told) = start(ModerationMode::Free);
        let messages: u64 = 8000;
        let began = Instant::now();
        for n in 0..messages {
            let text = format!(
                r#"{{"id":"m{n}",{}}}"#,
                message.replace('N', &n.to_string())
            );
            assert!(handle.offer("test", text.into()));
        }
        let counts = until_taken(&handle, messages);
        let took = began.elapsed();
        let per_s = messages as f64 / took.as_secs_f64();
        println!("{name}: {per_s:.0} messages/s, {:?}", counts.refused);
        assert_eq!(counts.taken, messages);
        assert!(counts.shown <= 20 + 20 * (1 + took.as_secs()), "{counts:?}");
        assert!(handle.stop());
    }
}

#[test]
fn an_observer_is_told_on_the_thread() {
    let (tell, told) = mpsc::channel();
    let observer: Observer = Box::new(move |noted| drop(tell.send(noted)));
    let room = room(ModerationMode::Hold);
    let handle =
        RoomHandle::start_observed(room, Clock::real(), Box::new(|_| {}), Some(observer)).unwrap();
    assert!(handle.offer("youtube", Bytes::from_static(b"hello")));
    let Ok(Noted::Bridged(note)) = told.recv_timeout(PATIENCE) else {
        panic!("a note");
    };
    assert!(note.held);
    let id = note.item_id.unwrap();
    asked(&handle, Ask::Approve(id)).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Noted::Shown(id)));
    assert!(handle.stop());
}

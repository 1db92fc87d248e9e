//! Whatever browsers send over the room's socket or as JSON to `/api/act`, and shops to `/api/orders`: the room answers each wish, what it saved gives the same
//! room again, and what it shows can be written as JSON. The input: lines, the first byte of each says who sends it.
#![no_main]

use std::sync::{Arc, Mutex};

use boothcast::clock::Clock;
use boothcast::config::{ModerationConfig, ModerationMode};
use boothcast::room::live::act::{Act, By};
use boothcast::room::live::actor::{Judged, LiveHandle, Parts, Safety};
use boothcast::room::live::bridged::NewOrder;
use boothcast::room::live::event::{Event, Role};
use boothcast::room::live::state::{Highest, Live, LiveSettings};
use boothcast::room::report::Report;
use libfuzzer_sys::fuzz_target;

/// Wishes of one input.
const MOST: usize = 64;

fuzz_target!(|data: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime").block_on(run(data));
});

async fn run(data: &[u8]) {
    let saved: Arc<Mutex<Vec<Event>>> = Arc::default();
    let live = start(saved.clone());
    let mut people = Vec::new();
    for (name, role) in [
        ("Ann", Role::Viewer),
        ("Bob", Role::Viewer),
        ("Cem", Role::Moderator),
        ("Dai", Role::Owner),
    ] {
        let viewer = live.come(name, role, name).await.expect("a good name");
        people.push((viewer, role, live.connect(viewer)));
    }
    for line in data.split(|b| *b == b'\n').take(MOST) {
        let Some((who, json)) = line.split_first() else {
            continue;
        };
        let (viewer, role, _) = &people[usize::from(*who) % people.len()];
        if let Ok(order) = serde_json::from_slice::<NewOrder>(json) {
            let _ = live.order(order).await;
        }
        let Ok(act) = serde_json::from_slice::<Act>(json) else {
            continue;
        };
        let by = By {
            viewer: *viewer,
            role: *role,
            account: Some("fuzz".into()),
            addr: "a".into(),
        };
        let needs = act.needs();
        if let Err(refusal) = live.act(by, act).await {
            assert!(!refusal.message.is_empty());
        } else {
            assert!(*role >= needs);
        }
    }
    let hello = live
        .hello(people[3].0, Role::Owner, None)
        .await
        .expect("the room stands");
    serde_json::to_string(&hello.room).expect("it can be written");
    let events = saved.lock().expect("no panic").clone();
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!(event.seq, seq, "numbers rise by one");
        let text = serde_json::to_string(event).expect("it can be written");
        let back: Event = serde_json::from_str(&text).expect("it can be read");
        assert_eq!(*event, back);
    }
    let report = serde_json::to_string(&Report::of(&events)).expect("it can be written");
    assert!(!report.is_empty());
    let again = Live::load(settings(), Highest::default(), &events).expect("good settings");
    assert_eq!(
        serde_json::json!(again.room().poll),
        serde_json::json!(hello.room.poll)
    );
    assert_eq!(
        serde_json::json!(again.room().products),
        serde_json::json!(hello.room.products)
    );
    assert_eq!(
        serde_json::json!(again.room().draws),
        serde_json::json!(hello.room.draws)
    );
}

fn start(saved: Arc<Mutex<Vec<Event>>>) -> LiveHandle {
    let load = saved.clone();
    let parts = Parts {
        clock: Clock::real(),
        wall: Box::new(|| 1_800_000_000_000),
        save: Box::new(move |events, _: Safety| {
            saved.lock().expect("no panic").extend(events);
            Box::pin(async { Ok(()) })
        }),
        load: Box::new(move || {
            let events = load.lock().expect("no panic").clone();
            Box::pin(async move { Ok((events, Highest::default())) })
        }),
        judge: Arc::new(|_| Box::pin(async { Judged::Shown { item: None } })),
        told: Box::new(|_, _| {}),
        seeds: Box::new(|draw| [draw as u8; 32]),
    };
    LiveHandle::start(
        parts,
        Vec::new(),
        Highest::default(),
        settings(),
        &tokio::runtime::Handle::current(),
    )
    .expect("it starts")
}

fn settings() -> LiveSettings {
    LiveSettings {
        moderation: ModerationConfig {
            mode: ModerationMode::Free,
            delay_s: 3.0,
            words: "bad,badword*".into(),
            words_file: std::path::PathBuf::new(),
            links: false,
            max_graphemes: 100,
            repeat_s: 5.0,
            author_per_s: 5.0,
            author_tau_s: 1.0,
            author_burst: 5.0,
            author_suppress: true,
        },
        words: Vec::new(),
    }
}

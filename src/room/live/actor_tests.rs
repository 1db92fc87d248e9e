use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::super::event::{Fact, LineState};
use super::super::testing::{owner, say, seed, settings, viewer};
use super::super::view::To;
use super::*;

/// A disk in memory.
#[derive(Clone, Default)]
struct Disk {
    events: Arc<Mutex<Vec<Event>>>,
    broken: Arc<AtomicBool>,
    commits: Arc<AtomicU64>,
    told: Arc<Mutex<Vec<Event>>>,
}

impl Disk {
    fn stored(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    fn parts(&self, judge: JudgeFn) -> Parts {
        let (disk, again, told) = (self.clone(), self.clone(), self.told.clone());
        Parts {
            clock: Clock::real(),
            wall: Box::new(|| 1_800_000_000_000),
            save: Box::new(move |events, _| {
                let disk = disk.clone();
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    if disk.broken.load(Ordering::SeqCst) {
                        return Err(Error::new(Kind::Internal, "The disk is full."));
                    }
                    disk.commits.fetch_add(1, Ordering::SeqCst);
                    disk.events.lock().unwrap().extend(events);
                    Ok(())
                })
            }),
            load: Box::new(move || {
                let events = again.stored();
                Box::pin(async move { Ok((events, Highest::default())) })
            }),
            judge,
            told: Box::new(move |event, live| {
                assert!(live.room().seq >= event.seq);
                told.lock().unwrap().push(event.clone());
            }),
            seeds: Box::new(seed),
        }
    }

    fn start(&self) -> LiveHandle {
        self.start_with(Arc::new(|_| {
            Box::pin(async { Judged::Shown { item: Some(1) } })
        }))
    }

    fn start_with(&self, judge: JudgeFn) -> LiveHandle {
        let runtime = tokio::runtime::Handle::current();
        let parts = self.parts(judge);
        LiveHandle::start(
            parts,
            self.stored(),
            Highest::default(),
            settings(),
            &runtime,
        )
        .unwrap()
    }

    fn facts(&self) -> Vec<Fact> {
        self.stored().into_iter().map(|event| event.fact).collect()
    }
}

fn poll_open() -> Act {
    Act::PollOpen {
        question: "Red or blue?".into(),
        choices: vec!["red".into(), "blue".into(), "green".into()],
        hidden: false,
    }
}

async fn wait_for(what: impl Fn() -> bool) {
    for _ in 0..400 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_votes_at_once_are_exact() {
    let disk = Disk::default();
    let live = disk.start();
    let mut viewers = Vec::new();
    for n in 0..10_000 {
        viewers.push(live.come(&format!("v{n}"), Role::Viewer, "").await.unwrap());
    }
    let poll = live.act(owner(), poll_open()).await.unwrap().id.unwrap();
    let before = disk.commits.load(Ordering::SeqCst);
    let mut votes = tokio::task::JoinSet::new();
    for v in viewers {
        let live = live.clone();
        // Everybody changes their mind once; every tenth a second time.
        votes.spawn(async move {
            let vote = |choice| live.act(viewer(v), Act::Vote { poll, choice });
            vote(0).await.unwrap();
            vote(1).await.unwrap();
            if v.is_multiple_of(10) {
                vote(2).await.unwrap();
            }
        });
    }
    while let Some(done) = votes.join_next().await {
        done.unwrap();
    }
    let hello = live.hello(1, Role::Viewer, None).await.unwrap();
    let shown = hello.room.poll.unwrap();
    assert_eq!(shown.counts.unwrap(), [0, 9_000, 1_000]);
    assert_eq!(shown.votes, 10_000);
    let commits = disk.commits.load(Ordering::SeqCst) - before;
    assert!(commits < 5_000, "{commits} commits for 21,000 votes");
    // What was acknowledged is stored, and gives the same.
    let again = Live::load(settings(), Highest::default(), &disk.stored()).unwrap();
    assert_eq!(
        again.room().poll.unwrap().counts.unwrap(),
        [0, 9_000, 1_000]
    );
    assert_eq!(live.figures().votes, 21_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_vote_is_lost_though_the_disk_fails() {
    let disk = Disk::default();
    let live = disk.start();
    let mut viewers = Vec::new();
    for n in 0..300 {
        viewers.push(live.come(&format!("v{n}"), Role::Viewer, "").await.unwrap());
    }
    let poll = live.act(owner(), poll_open()).await.unwrap().id.unwrap();
    let mut votes = tokio::task::JoinSet::new();
    for v in viewers {
        let live = live.clone();
        votes.spawn(async move {
            let mut acknowledged = None;
            for choice in [0, 1, 2] {
                match live.act(viewer(v), Act::Vote { poll, choice }).await {
                    Ok(_) => acknowledged = Some(choice),
                    Err(no) => assert_eq!(no.code, Why::NotSaved),
                }
                tokio::time::sleep(Duration::from_millis(v % 7)).await;
            }
            (v, acknowledged)
        });
    }
    for n in 0..20 {
        disk.broken.store(n % 2 == 0, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    disk.broken.store(false, Ordering::SeqCst);
    let mut expected = BTreeMap::new();
    while let Some(done) = votes.join_next().await {
        let (v, choice) = done.unwrap();
        expected.insert(v, choice);
    }
    let again = Live::load(settings(), Highest::default(), &disk.stored()).unwrap();
    for (v, choice) in expected {
        assert_eq!(again.you(v, Role::Viewer).vote, choice);
        let hello = live.hello(v, Role::Viewer, None).await.unwrap();
        assert_eq!(hello.you.vote, choice);
    }
    let seqs: Vec<u64> = disk.stored().iter().map(|event| event.seq).collect();
    assert!(
        seqs.windows(2).all(|w| w[1] == w[0] + 1),
        "numbers without gaps"
    );
    assert_eq!(*disk.told.lock().unwrap(), disk.stored());
}

#[tokio::test]
async fn presence_is_counted_by_viewers_not_connections() {
    let disk = Disk::default();
    let live = disk.start();
    let mut out = live.subscribe();
    let ann = live.come("Ann", Role::Viewer, "").await.unwrap();
    let (one, two) = (live.connect(ann), live.connect(ann));
    let nobody = live.connect(99);
    assert_eq!(one.viewer(), ann);
    wait_for(|| live.figures().viewers == 1).await;
    drop(one);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(live.figures().viewers, 1);
    drop((two, nobody));
    wait_for(|| live.figures().viewers == 0).await;
    let here = |fact: &Fact| matches!(fact, Fact::Joined | Fact::Left { .. });
    assert_eq!(disk.facts().iter().filter(|fact| here(fact)).count(), 2);
    let first = out.recv().await.unwrap();
    assert_eq!(
        (first.to, &*first.json),
        (To::All, r#"{"likes":0,"t":"count","viewers":1}"#)
    );
}

#[tokio::test]
async fn who_was_here_when_the_program_died_has_left_after_it() {
    let disk = Disk::default();
    let live = disk.start();
    let ann = live.come("Ann", Role::Viewer, "").await.unwrap();
    let here = live.connect(ann);
    wait_for(|| live.figures().viewers == 1).await;
    let again = disk.start();
    wait_for(|| {
        disk.facts()
            .iter()
            .any(|fact| matches!(fact, Fact::Left { .. }))
    })
    .await;
    assert_eq!(
        again
            .hello(ann, Role::Viewer, None)
            .await
            .unwrap()
            .room
            .viewers,
        0
    );
    let bob = again.come("Bob", Role::Viewer, "").await.unwrap();
    assert_eq!(bob, ann + 1);
    drop(here);
}

#[tokio::test]
async fn stopping_saves_what_was_gathered_and_says_who_left() {
    let disk = Disk::default();
    let live = disk.start();
    let ann = live.come("Ann", Role::Viewer, "").await.unwrap();
    let _here = live.connect(ann);
    for _ in 0..3 {
        live.act(viewer(ann), Act::Like { n: 10 }).await.unwrap();
    }
    live.stop().await;
    let likes = disk
        .facts()
        .iter()
        .map(|fact| if let Fact::Liked { n } = fact { *n } else { 0 })
        .sum::<u32>();
    assert_eq!(likes, 30);
    assert!(matches!(disk.facts().last(), Some(Fact::Left { .. })));
    assert_eq!(
        live.act(viewer(ann), Act::Like { n: 1 })
            .await
            .unwrap_err()
            .code,
        Why::NotSaved
    );
}

#[tokio::test]
async fn likes_are_gathered() {
    let disk = Disk::default();
    let live = disk.start();
    let ann = live.come("Ann", Role::Viewer, "").await.unwrap();
    let mut refused = 0;
    for _ in 0..150 {
        refused += u32::from(live.act(viewer(ann), Act::Like { n: 2 }).await.is_err());
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    let liked: Vec<u32> = disk
        .facts()
        .iter()
        .filter_map(|f| {
            if let Fact::Liked { n } = f {
                Some(*n)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(liked.iter().sum::<u32>(), 300 - 2 * refused);
    assert!(liked.len() <= 3, "{liked:?}");
    assert!(refused > 30, "{refused}");
}

#[tokio::test]
async fn a_line_is_judged_once_and_told_to_all() {
    let disk = Disk::default();
    let judge: JudgeFn = Arc::new(|line: JudgeLine| {
        Box::pin(async move {
            assert!(line.danmaku);
            tokio::time::sleep(Duration::from_millis(30)).await;
            match line.text.as_str() {
                "wait" => Judged::Held { item: Some(5) },
                "bad" => Judged::Refused {
                    code: "repeat".into(),
                    sentence: "No.".into(),
                },
                _ => Judged::Shown { item: None },
            }
        })
    });
    let live = disk.start_with(judge);
    let ann = live.come("Ann", Role::Viewer, "").await.unwrap();
    let mut out = live.subscribe();
    let hi = || live.act(viewer(ann), say("hi", Some("n")));
    let (first, second) = tokio::join!(hi(), hi());
    assert_eq!(first.unwrap().id, Some(1));
    assert_eq!(second.unwrap_err().code, Why::TooFast);
    assert!(hi().await.unwrap().again);
    let message = out.recv().await.unwrap();
    assert_eq!(message.to, To::All);
    assert!(message.json.contains(r#""t":"line""#), "{}", message.json);
    let no = live.act(viewer(ann), say("bad", None)).await.unwrap_err();
    assert_eq!(
        (no.code, no.reason.as_deref()),
        (Why::Refused, Some("repeat"))
    );
    assert!(live.act(viewer(ann), say("wait", None)).await.unwrap().held);
    live.line_state(5, true).await;
    let lines = live.hello(0, Role::Viewer, Some(1)).await.unwrap().lines;
    assert_eq!((lines.len(), lines[0].state), (1, LineState::Shown));
}

#[tokio::test]
async fn viewers_are_slowed_and_the_staff_are_not() {
    let disk = Disk::default();
    let live = disk.start();
    let ann = live.come("Ann", Role::Viewer, "").await.unwrap();
    let mut said = 0;
    let wait = loop {
        match live.act(viewer(ann), say("hi", None)).await {
            Ok(_) => said += 1,
            Err(no) => break no,
        }
    };
    assert_eq!((said, wait.code), (5, Why::TooFast));
    assert!(
        wait.retry_after_ms
            .is_some_and(|ms| (500..=1_001).contains(&ms)),
        "{wait:?}"
    );
    for _ in 0..20 {
        live.act(owner(), say("order", None)).await.unwrap();
    }
    live.act(owner(), Act::Slow { seconds: 60 }).await.unwrap();
    let bob = live.come("Bob", Role::Viewer, "").await.unwrap();
    live.act(viewer(bob), say("one", None)).await.unwrap();
    let no = live.act(viewer(bob), say("two", None)).await.unwrap_err();
    assert!(no.retry_after_ms.is_some_and(|ms| ms > 59_000), "{no:?}");
    let mut came = 0;
    while live.come("x", Role::Viewer, "shop").await.is_ok() {
        came += 1;
    }
    assert!((60..=63).contains(&came), "{came}");
}

#[tokio::test]
async fn a_message_is_there_for_whoever_it_concerns() {
    let disk = Disk::default();
    let live = disk.start();
    let ann = live.come("Ann", Role::Viewer, "").await.unwrap();
    let mut out = live.subscribe();
    live.act(
        owner(),
        Act::TimeOut {
            viewer: ann,
            seconds: 60,
        },
    )
    .await
    .unwrap();
    live.act(
        owner(),
        Act::Announce {
            text: "Soon".into(),
        },
    )
    .await
    .unwrap();
    live.act(owner(), poll_open()).await.unwrap();
    live.show(true, "Tea").await.unwrap();
    assert!(live.show(true, "Tea").await.unwrap().again);
    live.incident("The uplink is slow.", false).await;
    let (mut kinds, mut to) = (Vec::new(), Vec::new());
    while let Ok(Ok(message)) = tokio::time::timeout(Duration::from_millis(700), out.recv()).await {
        let value: serde_json::Value = serde_json::from_str(&message.json).unwrap();
        kinds.push(value["t"].as_str().unwrap().to_owned());
        to.push(message.to);
    }
    for kind in ["you", "announcement", "poll", "room", "staff"] {
        assert!(kinds.iter().any(|k| k == kind), "{kind}: {kinds:?}");
    }
    assert_eq!(to[0], To::Viewer(ann));
    assert!(
        kinds
            .iter()
            .zip(&to)
            .all(|(kind, to)| (kind == "staff") == (*to == To::Staff))
    );
    let hello = live.hello(ann, Role::Owner, None).await.unwrap();
    assert_eq!((hello.room.show, hello.room.title.as_str()), (1, "Tea"));
    let acts = serde_json::json!(hello.staff.unwrap().acts);
    assert_eq!(
        (&acts[0]["act"], &acts[0]["what"]["act"]),
        (&1.into(), &"time-out".into())
    );
    assert_eq!(live.person(ann).await.unwrap().name, "Ann");
    assert!(live.person(9).await.is_none() && live.draw(1).await.is_none());
    live.reload().await.unwrap();
    assert_eq!(
        live.hello(ann, Role::Viewer, None).await.unwrap().room.show,
        1
    );
}

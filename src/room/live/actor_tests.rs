use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::super::event::Fact;
use super::super::testing::{owner, seed, settings, viewer};
use super::super::view::To;
use super::*;

#[path = "actor_tests_more.rs"]
mod more;

/// A disk in memory.
#[derive(Clone, Default)]
struct Disk {
    events: Arc<Mutex<Vec<Event>>>,
    broken: Arc<AtomicBool>,
    gone: Arc<AtomicBool>,
    commits: Arc<AtomicU64>,
    told: Arc<Mutex<Vec<Event>>>,
}

impl Disk {
    fn stored(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    fn parts(&self, judge: JudgeFn) -> Parts {
        let (disk, again, told) = (self.clone(), self.clone(), self.told.clone());
        let unread = move || Error::new(Kind::Internal, "The disk is gone.");
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
                let gone = again.gone.load(Ordering::SeqCst);
                let events = again.stored();
                let read = if gone {
                    Err(unread())
                } else {
                    Ok((events, Highest::default()))
                };
                Box::pin(async move { read })
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
async fn nobody_sees_what_is_not_stored() {
    let disk = Disk::default();
    let live = disk.start();
    let ann = live.come("Ann", Role::Viewer, "").await.unwrap();
    disk.broken.store(true, Ordering::SeqCst);
    disk.gone.store(true, Ordering::SeqCst);
    let mut out = live.subscribe();
    let announce = || Act::Announce {
        text: "Soon".into(),
    };
    assert_eq!(
        live.act(owner(), announce()).await.unwrap_err().code,
        Why::NotSaved
    );
    assert!(live.hello(ann, Role::Viewer, None).await.is_err());
    assert!(live.person(ann).await.is_some());
    assert!(out.try_recv().is_err());
    disk.broken.store(false, Ordering::SeqCst);
    disk.gone.store(false, Ordering::SeqCst);
    assert_eq!(
        live.hello(ann, Role::Viewer, None)
            .await
            .unwrap()
            .room
            .announcement,
        ""
    );
    live.act(owner(), announce()).await.unwrap();
    assert_eq!(
        live.hello(ann, Role::Viewer, None)
            .await
            .unwrap()
            .room
            .announcement,
        "Soon"
    );
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

//! Likes, lines, rates and messages, through the task.

use super::super::super::event::LineState;
use super::super::super::testing::say;
use super::*;

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
    assert!((1_500..=1_520).contains(&came), "{came}");
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

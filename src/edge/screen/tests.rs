use super::*;

#[test]
fn a_driver_that_hangs_is_left_behind() {
    let (release, hang) = std::sync::mpsc::channel::<()>();
    let (_, state) = watch::channel(ScreenState::None);
    let screen = Screen::spawn(state, move || {
        let _ = hang.recv();
    })
    .unwrap();
    for _ in 0..100 {
        screen.poke();
    }
    let begun = Instant::now();
    drop(screen);
    assert!(begun.elapsed() >= JOIN_LIMIT, "it did not hang");
    assert!(begun.elapsed() < JOIN_LIMIT + Duration::from_secs(5));
    drop(release);
}

#[test]
fn a_poke_makes_a_turn_at_once_and_the_end_is_joined() {
    let (told, turns) = std::sync::mpsc::channel();
    let (_, state) = watch::channel(ScreenState::None);
    let screen = Screen::spawn(state, move || {
        let _ = told.send(());
    })
    .unwrap();
    let limit = Duration::from_secs(20);
    turns.recv_timeout(limit).unwrap();
    screen.poke();
    turns.recv_timeout(limit).unwrap();
    drop(screen);
    // The thread is joined, and what it owned is gone.
    assert!(turns.iter().count() <= 1);
}

fn socket(root: &Path, name: &str, status: &str, modes: &str, edid: &[u8]) {
    let folder = root.join("sys/class/drm").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("status"), format!("{status}\n")).unwrap();
    std::fs::write(folder.join("modes"), modes).unwrap();
    std::fs::write(folder.join("edid"), edid).unwrap();
}

#[test]
fn connectors_are_found_and_a_swapped_screen_is_another() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    assert_eq!(find::connectors(root), []);
    socket(root, "card1-HDMI-A-2", "disconnected", "", b"");
    socket(
        root,
        "card1-HDMI-A-1",
        "connected",
        "1920x1080\n1280x720\n",
        b"one",
    );
    socket(root, "card0-DSI-1", "unknown", "", b"");
    socket(root, "card0-Writeback-1", "unknown", "", b"");
    std::fs::create_dir(root.join("sys/class/drm/card0")).unwrap();
    std::fs::create_dir(root.join("sys/class/drm/renderD128")).unwrap();
    let found = find::connectors(root);
    let names: Vec<_> = found
        .iter()
        .map(|c| (&*c.card, &*c.name, c.plugged))
        .collect();
    assert_eq!(
        names,
        [
            ("card1", "HDMI-A-1", Plugged::Yes),
            ("card0", "DSI-1", Plugged::Perhaps),
            ("card1", "HDMI-A-2", Plugged::No),
        ]
    );
    let before = found[0].clone();
    assert!(before.is_still(&before));
    socket(root, "card1-HDMI-A-1", "connected", "1280x720\n", b"other");
    assert!(!find::connectors(root)[0].is_still(&before));
    socket(root, "card1-HDMI-A-1", "disconnected", "", b"");
    assert!(find::connectors(root).iter().all(|c| !c.is_still(&before)));
    // Of one that could not be told before, the first look brings the rest.
    socket(root, "card0-DSI-1", "connected", "800x480\n", b"panel");
    assert!(find::connectors(root)[0].is_still(&found[1]));
}

/// A card whose node cannot be opened is a sentence, told once, and tried again later.
#[test]
fn a_screen_that_cannot_be_opened_is_told_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    socket(
        dir.path(),
        "card7-HDMI-A-1",
        "connected",
        "1920x1080\n",
        b"x",
    );
    let paint: Painter = Box::new(|_| panic!("there is nothing to paint on"));
    let screen = Screen::start_on(dir.path(), paint).unwrap();
    let mut state = screen.state();
    let limit = Instant::now() + Duration::from_secs(20);
    while *state.borrow_and_update() == ScreenState::None {
        assert!(Instant::now() < limit);
        std::thread::sleep(Duration::from_millis(5));
    }
    let text = state.borrow().to_string();
    assert!(
        text.starts_with("HDMI-A-1 cannot be used: ") && text.contains("card7"),
        "{text}"
    );
    drop(screen);
}

//! With a viewer of str0m's own over loopback: what browsers do, without a browser.

use std::net::UdpSocket;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Instant;

use bytes::Bytes;
use str0m::change::SdpAnswer;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use super::*;
use crate::media::access_unit::{Format, Track};
use crate::media::opus::OpusFrame;

const FRAME: Duration = Duration::from_millis(20);

/// A fan-out that is fed 50 pictures a second until it is dropped; a keyframe where one is asked for, and at first.
struct Show {
    fanout: Fanout<AccessUnit>,
    asked: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

fn picture(number: u64, keyframe: bool, format: &Arc<Format>) -> AccessUnit {
    let mut data = vec![];
    if keyframe {
        data.extend_from_slice(&[0, 0, 0, 1, 0x67, 0x42, 0xC0, 0x1E, 9, 0, 0, 0, 1, 0x68, 7]);
    }
    data.extend_from_slice(&[0, 0, 0, 1, if keyframe { 0x65 } else { 0x41 }]);
    data.extend_from_slice(&number.to_be_bytes().map(|b| b | 0x80));
    // Several packets.
    data.resize(data.len() + if keyframe { 20_000 } else { 3_000 }, 0xEE);
    let pts = 7_000_000_000 + number * 20_000_000;
    AccessUnit {
        track: Track::Video,
        pts,
        dts: pts,
        duration: 20_000_000,
        keyframe,
        data: data.into(),
        format: Arc::clone(format),
    }
}

impl Show {
    fn start(opus: Option<OpusFeed>) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, stop) = (Arc::clone(&asked), Arc::new(AtomicBool::new(false)));
        let fanout = Fanout::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let (out, wishes, end) = (fanout.clone(), Arc::clone(&asked), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let format = Arc::new(Format::H264 {
                width: 320,
                height: 180,
                fps: 50,
                sps: Bytes::from_static(&[0x67, 0x42, 0xC0, 0x1E, 9]),
                pps: Bytes::from_static(&[0x68, 7]),
            });
            let (mut number, mut met) = (0, 0);
            while !end.load(Ordering::SeqCst) {
                let asked = wishes.load(Ordering::SeqCst);
                let keyframe = number == 0 || asked > met;
                met = asked;
                out.push(picture(number, keyframe, &format));
                if let Some(opus) = &opus {
                    opus.push(OpusFrame {
                        pts: 7_000_000_000 + number * 20_000_000,
                        data: Bytes::from_static(&[0xFC, 1, 2, 3]),
                    });
                }
                number += 1;
                std::thread::sleep(FRAME);
            }
        });
        Self {
            fanout,
            asked,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn service(
    show: &Show,
    opus: Option<OpusFeed>,
    max_viewers: usize,
) -> (tokio::runtime::Runtime, Whep) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let options = WhepOptions {
        udp_port: 0,
        addresses: Arc::new(Vec::new),
        max_viewers,
    };
    let whep = Whep::start(options, show.fanout.clone(), opus, runtime.handle()).unwrap();
    (runtime, whep)
}

/// What a viewer got.
#[derive(Default)]
struct Got {
    pictures: Vec<Vec<u8>>,
    times: Vec<u64>,
    sounds: Vec<Vec<u8>>,
    over: bool,
}

/// A viewer in this thread.
struct Viewer {
    rtc: Rtc,
    socket: UdpSocket,
    id: String,
    begun: Instant,
    video: Mid,
    got: Got,
    first: Option<Duration>,
}

impl Viewer {
    fn come(runtime: &tokio::runtime::Runtime, whep: &Whep) -> Result<Self> {
        let begun = Instant::now();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut rtc = RtcConfig::new().build(begun);
        let address = socket.local_addr().unwrap();
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        let mut change = rtc.sdp_api();
        let video = change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        change.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        let (offer, pending) = change.apply().unwrap();
        let answer = runtime.block_on(whep.offer(&offer.to_sdp_string()))?;
        let sdp = SdpAnswer::from_sdp_string(&answer.sdp).unwrap();
        rtc.sdp_api().accept_answer(pending, sdp).unwrap();
        Ok(Self {
            rtc,
            socket,
            id: answer.id,
            begun,
            video,
            got: Got::default(),
            first: None,
        })
    }

    /// Goes on until `enough`, or panics.
    fn until(&mut self, limit: Duration, enough: impl Fn(&Got) -> bool) {
        let end = Instant::now() + limit;
        while !enough(&self.got) {
            assert!(
                Instant::now() < end,
                "{} pictures, {} sounds after {limit:?}",
                self.got.pictures.len(),
                self.got.sounds.len()
            );
            self.step();
        }
    }

    fn step(&mut self) {
        let due = loop {
            match self.rtc.poll_output().unwrap() {
                Output::Transmit(t) => {
                    let _ = self.socket.send_to(&t.contents, t.destination);
                }
                Output::Event(Event::MediaData(m)) if m.mid == self.video => {
                    self.first.get_or_insert(self.begun.elapsed());
                    self.got.times.push(m.time.numer());
                    self.got.pictures.push(m.data.to_vec());
                }
                Output::Event(Event::MediaData(m)) => self.got.sounds.push(m.data.to_vec()),
                Output::Event(_) => {}
                Output::Timeout(due) => break due,
            }
        };
        if !self.rtc.is_alive() {
            self.got.over = true;
            return;
        }
        let wait = due.saturating_duration_since(Instant::now());
        let wait = wait.clamp(Duration::from_micros(100), Duration::from_millis(20));
        self.socket.set_read_timeout(Some(wait)).unwrap();
        let mut buffer = [0; 2000];
        let here = self.socket.local_addr().unwrap();
        match self.socket.recv_from(&mut buffer) {
            Ok((n, from)) => {
                let now = Instant::now();
                let data = Receive::new(Protocol::Udp, from, here, &buffer[..n]).unwrap();
                self.rtc.handle_input(Input::Receive(now, data)).unwrap();
            }
            Err(_) => self
                .rtc
                .handle_input(Input::Timeout(Instant::now()))
                .unwrap(),
        }
    }
}

const LIMIT: Duration = Duration::from_secs(10);

fn is_keyframe(data: &[u8]) -> bool {
    data.windows(4).any(|w| w == [0, 0, 1, 0x65])
}

#[test]
fn pictures_arrive_whole_from_a_keyframe_on_and_sound_with_them() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let opus = OpusFeed::new(move |on| log.lock().unwrap().push(on));
    let show = Show::start(Some(opus.clone()));
    let (runtime, whep) = service(&show, Some(opus), 4);
    assert!(told.lock().unwrap().is_empty(), "nobody listens yet");
    let mut viewer = Viewer::come(&runtime, &whep).unwrap();
    viewer.until(LIMIT, |g| g.pictures.len() >= 30 && g.sounds.len() >= 20);
    println!("first picture after {:?}", viewer.first.unwrap());
    assert!(is_keyframe(&viewer.got.pictures[0]));
    for (data, time) in viewer.got.pictures.iter().zip(&viewer.got.times) {
        // The whole picture: what it ends with, and its length.
        let long = if is_keyframe(data) { 20_000 } else { 3_000 };
        assert!(
            data.len() >= long + 13 && data.ends_with(&[0xEE; 100]),
            "{}",
            data.len()
        );
        assert!(*time > 0);
    }
    for pair in viewer.got.times.windows(2) {
        assert_eq!(pair[1] - pair[0], 1800, "20 ms at 90 kHz");
    }
    assert_eq!(viewer.got.sounds[0], [0xFC, 1, 2, 3]);
    assert_eq!(
        (whep.viewers(), told.lock().unwrap().clone()),
        (1, vec![true])
    );

    // A keyframe that is asked for comes.
    let before = viewer.got.pictures.len();
    std::thread::sleep(Duration::from_millis(600));
    let asked = show.asked.load(Ordering::SeqCst);
    let video = viewer.video;
    let mut writer = viewer.rtc.writer(video).unwrap();
    writer
        .request_keyframe(None, KeyframeRequestKind::Pli)
        .unwrap();
    viewer.until(LIMIT, |g| {
        g.pictures[before..].iter().any(|p| is_keyframe(p))
    });
    assert!(show.asked.load(Ordering::SeqCst) > asked);

    // Ended by the box: the viewer is told, and the Opus encoder is no longer wanted.
    assert!(runtime.block_on(whep.end(&viewer.id)));
    assert!(!runtime.block_on(whep.end("nobody")));
    viewer.until(LIMIT, |g| g.over);
    assert_eq!(whep.viewers(), 0);
    assert_eq!(*told.lock().unwrap(), [true, false]);
    runtime.block_on(whep.stop());
    let offer = Viewer::come(&runtime, &whep);
    assert_eq!(offer.err().unwrap().kind(), Kind::Internal);
}

#[test]
fn rubbish_on_the_port_disturbs_nobody() {
    let show = Show::start(None);
    let (runtime, whep) = service(&show, None, 4);
    let mut viewer = Viewer::come(&runtime, &whep).unwrap();
    viewer.until(LIMIT, |g| g.pictures.len() >= 3);
    let rubbish = UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 0..2_000_usize {
        let first = [0, 1, 20, 22, 64, 128, 200, 255][n % 8];
        let mut data: Vec<u8> = (0..n % 3_000).map(|i| (i * 31 + n) as u8).collect();
        if let Some(byte) = data.first_mut() {
            *byte = first;
        }
        let _ = rubbish.send_to(&data, ("127.0.0.1", whep.port()));
        // From the viewer's own address, too: what it cannot prove is not believed.
        if n % 20 == 0 {
            let _ = viewer.socket.send_to(&data, ("127.0.0.1", whep.port()));
        }
    }
    let before = viewer.got.pictures.len();
    viewer.until(LIMIT, |g| g.pictures.len() >= before + 20);
    runtime.block_on(whep.stop());
}

#[test]
fn twenty_watch_and_the_next_one_is_told() {
    let show = Show::start(None);
    let (runtime, whep) = service(&show, None, 20);
    let mut viewers: Vec<_> = (0..20)
        .map(|_| Viewer::come(&runtime, &whep).unwrap())
        .collect();
    let refused = Viewer::come(&runtime, &whep).err().unwrap();
    assert_eq!(refused.kind(), Kind::Refused);
    std::thread::scope(|scope| {
        for viewer in &mut viewers {
            scope.spawn(move || viewer.until(LIMIT * 2, |g| g.pictures.len() >= 50));
        }
    });
    assert!(viewers.iter().all(|v| is_keyframe(&v.got.pictures[0])));
    // One that says goodbye frees its place at once.
    let mut first = viewers.remove(0);
    first.rtc.close().unwrap();
    first.until(LIMIT, |g| g.over);
    let end = Instant::now() + LIMIT;
    while whep.viewers() > 19 {
        assert!(Instant::now() < end, "{} places taken", whep.viewers());
        std::thread::sleep(Duration::from_millis(10));
    }
    runtime.block_on(whep.stop());
}

#[test]
fn one_that_vanishes_is_ended() {
    let show = Show::start(None);
    let (runtime, whep) = service(&show, None, 2);
    let mut viewer = Viewer::come(&runtime, &whep).unwrap();
    let never = Viewer::come(&runtime, &whep).unwrap();
    viewer.until(LIMIT, |g| g.pictures.len() >= 3);
    drop((viewer, never));
    let (begun, end) = (Instant::now(), Instant::now() + Duration::from_secs(30));
    while whep.viewers() > 0 {
        assert!(Instant::now() < end, "{} are still there", whep.viewers());
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("ended after {:?}", begun.elapsed());
    runtime.block_on(whep.stop());
}

#[test]
fn offers_that_cannot_be_met_are_refused() {
    let show = Show::start(None);
    let (runtime, whep) = service(&show, None, 2);
    let mut rtc = RtcConfig::new().enable_h264(false).build(Instant::now());
    let mut change = rtc.sdp_api();
    change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
    let (offer, _pending) = change.apply().unwrap();
    let error = runtime
        .block_on(whep.offer(&offer.to_sdp_string()))
        .unwrap_err();
    assert!(error.message().contains("H.264"), "{}", error.report());
    // Cut off anywhere, or with a byte that is another.
    let whole = {
        let mut rtc = RtcConfig::new().build(Instant::now());
        let mut change = rtc.sdp_api();
        change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        change.apply().unwrap().0.to_sdp_string()
    };
    for n in 0..60 {
        let cut = whole.len() * n / 60;
        let answered = runtime.block_on(whep.offer(&whole[..cut]));
        if let Ok(answer) = answered {
            assert!(runtime.block_on(whep.end(&answer.id)));
        }
        let mut other = whole.clone().into_bytes();
        other[cut] = b'\xFF' - other[cut];
        let answered = runtime.block_on(whep.offer(&String::from_utf8_lossy(&other)));
        if let Ok(answer) = answered {
            assert!(runtime.block_on(whep.end(&answer.id)));
        }
    }
    runtime.block_on(whep.stop());
}

/// `cargo test --lib whep::tests::time_to_the_first_picture -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn time_to_the_first_picture() {
    let show = Show::start(None);
    let (runtime, whep) = service(&show, None, 4);
    let mut took: Vec<Duration> = (0..50)
        .map(|_| {
            let mut viewer = Viewer::come(&runtime, &whep).unwrap();
            viewer.until(LIMIT, |g| !g.pictures.is_empty());
            runtime.block_on(whep.end(&viewer.id));
            std::thread::sleep(Duration::from_millis(137));
            viewer.first.unwrap()
        })
        .collect();
    took.sort();
    println!("first picture: median {:?}, worst {:?}", took[25], took[49]);
    runtime.block_on(whep.stop());
}

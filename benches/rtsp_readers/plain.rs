//! gst-rtsp-server as it comes, fed with the same access units.

use std::time::Duration;

use boothcast::media::access_unit::{AccessUnit, Format, Track};
use boothcast::media::fanout::{ConsumerOptions, Fanout, Next, Start};
use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_rtsp_server as rtsp;
use rtsp::prelude::*;

use super::Server;

/// gst-rtsp-server as its examples use it.
pub struct Plain {
    port: u16,
    main_loop: glib::MainLoop,
    thread: std::thread::JoinHandle<()>,
}

impl Plain {
    pub fn start(fanout: &Fanout<AccessUnit>, shared: bool, audio: bool) -> Self {
        let context = glib::MainContext::new();
        let server = rtsp::RTSPServer::new();
        server.set_address("127.0.0.1");
        server.set_service("0");
        let factory = rtsp::RTSPMediaFactory::new();
        let source =
            |name| format!("appsrc name={name} is-live=true format=time do-timestamp=true");
        let mut launch = format!(
            "( {} ! h264parse ! rtph264pay name=pay0 pt=96 ",
            source("v")
        );
        if audio {
            launch += &format!("{} ! rtpmp4gpay name=pay1 pt=97 ", source("a"));
        }
        factory.set_launch(&format!("{launch})"));
        factory.set_shared(shared);
        let fanout = fanout.clone();
        factory.connect_media_configure(move |_, media| feed(media, &fanout));
        server.mount_points().unwrap().add_factory("/main", factory);
        server.attach(Some(&context)).unwrap();
        let main_loop = glib::MainLoop::new(Some(&context), false);
        let run = main_loop.clone();
        let port = u16::try_from(server.bound_port()).unwrap();
        let thread = std::thread::spawn(move || {
            let _server = server;
            context.with_thread_default(|| run.run()).unwrap();
        });
        Self {
            port,
            main_loop,
            thread,
        }
    }
}

/// Pushes units into the media's sources until these refuse.
fn feed(media: &rtsp::RTSPMedia, fanout: &Fanout<AccessUnit>) {
    let bin = media.element().downcast::<gst::Bin>().unwrap();
    let source = |name: &str| bin.by_name(name).and_downcast::<gst_app::AppSrc>();
    let (video, audio) = (source("v"), source("a"));
    let mut consumer = fanout.subscribe(ConsumerOptions {
        name: "plain".to_owned(),
        start: Start::CachedGop,
        max_span: Duration::from_secs(5),
        max_bytes: 8 << 20,
    });
    std::thread::spawn(move || {
        loop {
            let au = match consumer.next_timeout(Duration::from_secs(1)) {
                Next::Unit(au) => au,
                Next::TimedOut => continue,
                Next::Closed => return,
            };
            let source = match au.track {
                Track::Video => video.as_ref().unwrap(),
                Track::Audio => audio.as_ref().unwrap(),
            };
            if source.caps().is_none() {
                source.set_caps(Some(&caps(&au.format)));
            }
            if source
                .push_buffer(gst::Buffer::from_slice(au.data))
                .is_err()
            {
                return;
            }
        }
    });
}

fn caps(format: &Format) -> gst::Caps {
    match format {
        Format::H264 { .. } => gst::Caps::builder("video/x-h264")
            .field("stream-format", "byte-stream")
            .field("alignment", "au")
            .build(),
        Format::Aac { rate, config, .. } => gst::Caps::builder("audio/mpeg")
            .field("mpegversion", 4_i32)
            .field("stream-format", "raw")
            .field("rate", i32::try_from(*rate).unwrap())
            .field("channels", 2_i32)
            .field("codec_data", gst::Buffer::from_slice(config.clone()))
            .build(),
    }
}

impl Server for Plain {
    fn port(&self) -> u16 {
        self.port
    }

    fn stop(self: Box<Self>) {
        self.main_loop.quit();
        self.thread.join().unwrap();
    }
}

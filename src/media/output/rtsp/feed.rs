//! The stand-in payloader that gst-rtsp-server finds in its media, and the media factory.
//!
//! gst-rtsp-server does what it is good at: requests, sessions, authentication, TLS, session descriptions, transports,
//! RTCP that comes in. Its media is shared by all readers of a mount and carries no data: [`RtpFeed`] only announces
//! caps and blocks, so that the library calls the media prepared. The packets go straight onto the library's stream
//! transports (`reader.rs`): no pipeline, thread or queue per reader, so nothing that one reader could block for
//! another.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;
use gstreamer_rtsp_server as rtsp;
use rtsp::gst_rtsp;
use rtsp::prelude::*;

use super::mount::MountState;

/// Where a reader's stream begins: goes into the `RTP-Info` of its PLAY answer (RFC 2326, 12.33).
#[derive(Debug, Clone, Copy)]
pub(super) struct StartPoint {
    pub seq: u16,
    pub timestamp: u32,
    pub running_ns: u64,
    pub rate: u32,
}

mod imp {
    use super::{Arc, Mutex, PoisonError, StartPoint, Weak};
    use super::{MountState, glib, gst, gst_rtsp, rtsp};
    use gst::prelude::*;
    use gst::subclass::prelude::*;
    use rtsp::subclass::prelude::*;
    use std::sync::LazyLock;

    pub struct RtpFeed {
        pad: gst::Pad,
        caps: Mutex<Option<gst::Caps>>,
        pub(super) start: Mutex<Option<StartPoint>>,
    }

    impl RtpFeed {
        pub(super) fn set_caps(&self, caps: gst::Caps) {
            *self.caps.lock().unwrap_or_else(PoisonError::into_inner) = Some(caps);
        }

        /// Caps, segment, and a gap before the segment: the library blocks on the gap, and finds no packet in it from
        /// which it would make a wrong `RTP-Info`.
        fn announce(&self) {
            let caps = self
                .caps
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
            segment.set_start(gst::ClockTime::SECOND);
            segment.set_time(gst::ClockTime::SECOND);
            let id = self.obj().name();
            self.pad.push_event(gst::event::StreamStart::new(&id));
            if let Some(caps) = caps {
                self.pad.push_event(gst::event::Caps::new(&caps));
            }
            self.pad.push_event(gst::event::Segment::new(&segment));
            self.pad
                .push_event(gst::event::Gap::builder(gst::ClockTime::ZERO).build());
            let _ = self.pad.pause_task();
        }

        fn stats(&self) -> gst::Structure {
            let start = *self.start.lock().unwrap_or_else(PoisonError::into_inner);
            let start = start.unwrap_or(StartPoint {
                seq: 0,
                timestamp: 0,
                running_ns: 0,
                rate: 90_000,
            });
            gst::Structure::builder("application/x-rtp-payload-stats")
                .field("clock-rate", start.rate)
                .field("running-time", start.running_ns)
                .field("seqnum", u32::from(start.seq))
                .field("seqnum-offset", u32::from(start.seq))
                .field("timestamp", start.timestamp)
                .build()
        }

        fn pt(&self) -> u32 {
            let caps = self.caps.lock().unwrap_or_else(PoisonError::into_inner);
            caps.as_ref()
                .and_then(|c| c.structure(0))
                .and_then(|s| s.get::<i32>("payload").ok())
                .and_then(|pt| u32::try_from(pt).ok())
                .unwrap_or(96)
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for RtpFeed {
        const NAME: &'static str = "BoothcastRtpFeed";
        type Type = super::RtpFeed;
        type ParentType = gst::Element;

        fn with_class(klass: &Self::Class) -> Self {
            let template = klass.pad_template("src");
            let builder = match template {
                Some(template) => gst::Pad::builder_from_template(&template),
                None => gst::Pad::builder(gst::PadDirection::Src),
            };
            let pad = builder
                .name("src")
                .activatemode_function(|pad, parent, _, active| {
                    if !active {
                        return pad
                            .stop_task()
                            .map_err(|_| gst::loggable_error!(gst::CAT_RUST, "no task"));
                    }
                    let feed = parent.and_then(|p| p.downcast_ref::<super::RtpFeed>());
                    let Some(weak) = feed.map(ObjectExt::downgrade) else {
                        return Ok(());
                    };
                    pad.start_task(move || {
                        if let Some(feed) = weak.upgrade() {
                            feed.imp().announce();
                        }
                    })
                    .map_err(|_| gst::loggable_error!(gst::CAT_RUST, "no task"))
                })
                .build();
            Self {
                pad,
                caps: Mutex::default(),
                start: Mutex::default(),
            }
        }
    }

    impl ObjectImpl for RtpFeed {
        /// What the library reads from a payloader.
        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
                vec![
                    glib::ParamSpecUInt::builder("pt").read_only().build(),
                    glib::ParamSpecUInt::builder("mtu").read_only().build(),
                    glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                        .read_only()
                        .build(),
                ]
            });
            PROPERTIES.as_ref()
        }

        fn property(&self, _: usize, pspec: &glib::ParamSpec) -> glib::Value {
            match pspec.name() {
                "pt" => self.pt().to_value(),
                "mtu" => 1400_u32.to_value(),
                _ => self.stats().to_value(),
            }
        }

        fn constructed(&self) {
            self.parent_constructed();
            let _ = self.obj().add_pad(&self.pad);
            self.obj().set_element_flags(gst::ElementFlags::SOURCE);
        }
    }

    impl GstObjectImpl for RtpFeed {}

    impl ElementImpl for RtpFeed {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "RTP feed",
                    "Codec/Payloader/Network/RTP",
                    "Announces a stream whose packets take another way",
                    "Boothcast",
                )
            });
            Some(&*METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
                gst::PadTemplate::new(
                    "src",
                    gst::PadDirection::Src,
                    gst::PadPresence::Always,
                    &gst::Caps::new_empty_simple("application/x-rtp"),
                )
                .into_iter()
                .collect()
            });
            TEMPLATES.as_ref()
        }

        /// Live: nothing is given in PAUSED.
        fn change_state(
            &self,
            transition: gst::StateChange,
        ) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
            let done = self.parent_change_state(transition)?;
            Ok(match transition {
                gst::StateChange::ReadyToPaused | gst::StateChange::PlayingToPaused => {
                    gst::StateChangeSuccess::NoPreroll
                }
                _ => done,
            })
        }
    }

    #[derive(Default)]
    pub struct Factory {
        pub(super) mount: Mutex<Weak<MountState>>,
    }

    impl Factory {
        fn mount(&self) -> Option<Arc<MountState>> {
            self.mount
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .upgrade()
        }
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Factory {
        const NAME: &'static str = "BoothcastRtspFactory";
        type Type = super::Factory;
        type ParentType = rtsp::RTSPMediaFactory;
    }

    impl ObjectImpl for Factory {}

    impl RTSPMediaFactoryImpl for Factory {
        /// One media per format: who comes after a change of format gets a new session description, who is there
        /// keeps the old media.
        fn gen_key(&self, _: &gst_rtsp::RTSPUrl) -> Option<glib::GString> {
            self.mount().map(|m| m.generation().to_string().into())
        }

        fn create_element(&self, _: &gst_rtsp::RTSPUrl) -> Option<gst::Element> {
            let caps = self.mount()?.caps();
            if caps.is_empty() {
                return None;
            }
            let bin = gst::Bin::new();
            for (n, caps) in caps.into_iter().enumerate() {
                let feed: super::RtpFeed = glib::Object::builder()
                    .property("name", format!("pay{n}"))
                    .build();
                feed.imp().set_caps(caps);
                bin.add(&feed).ok()?;
            }
            Some(bin.upcast())
        }
    }
}

glib::wrapper! {
    /// Announces an RTP stream.
    pub struct RtpFeed(ObjectSubclass<imp::RtpFeed>) @extends gst::Element, gst::Object;
}

impl RtpFeed {
    /// What the next PLAY answer says. Call it only while the media is locked by that PLAY.
    pub(super) fn set_start(&self, start: StartPoint) {
        *self
            .imp()
            .start
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(start);
    }
}

glib::wrapper! {
    /// Makes the media of one mount.
    pub struct Factory(ObjectSubclass<imp::Factory>) @extends rtsp::RTSPMediaFactory;
}

impl Factory {
    pub(super) fn new(mount: &Arc<MountState>) -> Self {
        let factory: Self = glib::Object::new();
        *factory
            .imp()
            .mount
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(mount);
        factory.set_shared(true);
        factory.set_buffer_size(1 << 20);
        factory.set_protocols(gst_rtsp::RTSPLowerTrans::TCP | gst_rtsp::RTSPLowerTrans::UDP);
        factory.set_profiles(gst_rtsp::RTSPProfile::AVP);
        let weak = Arc::downgrade(mount);
        factory.connect_media_configure(move |_, media| {
            silence(&media.element());
            let weak = weak.clone();
            media.connect_prepared(move |media| {
                if let Some(mount) = weak.upgrade() {
                    mount.hold(media);
                }
            });
        });
        factory
    }
}

/// Sinks that the library adds get nothing from the pipeline: they need not preroll, and what rtpbin would say about
/// packets that it never saw is dropped.
fn silence(element: &gst::Element) {
    let Some(parent) = element.parent().and_downcast::<gst::Pipeline>() else {
        return;
    };
    parent.connect_deep_element_added(|_, _, element| {
        if !element.has_property("async") || !element.has_property("sync") {
            return;
        }
        element.set_property("async", false);
        element.set_property("sync", false);
        if let Some(pad) = element.static_pad("sink") {
            pad.add_probe(
                gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST,
                // Not `Drop`: GStreamer 1.22.0 would unref the buffer that the binding has already dropped.
                |_, _| gst::PadProbeReturn::Handled,
            );
        }
    });
}

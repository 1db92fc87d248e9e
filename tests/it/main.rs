//! Integration tests on real parts: real GStreamer, ffmpeg, nginx-rtmp. One binary, so that it links once; nextest
//! gives each test its own process. All traffic stays on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss
)]

mod box_live;
mod capture;
mod cli_check;
mod cli_doctor;
mod ctl;
mod danmaku;
mod encode;
mod image_build;
mod moderation;
mod mqtt;
mod overlay_golden;
mod rauc;
mod room;
mod rtmp;
mod rtsp;
mod setup_by_camera;
mod show;
mod status_screen;
mod support;
mod system;
mod systemd;
mod watch;

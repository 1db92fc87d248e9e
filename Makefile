# Boothcast. `make run` and `make test` are all that a newcomer needs; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo
TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
ARGS ?=
# Settings of the image (docs/image.md), for its scripts.
export BOARD VERSION KERNEL BOOTLOADER TEST BINARY MIRROR MIRROR_SECURITY RPI_APT SIGN_CERT SIGN_KEY KEYRING DEV_KEYS

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s'|'

.PHONY: setup
setup: ## install what building and running needs (Debian packages, by name)
	@./setup.sh run

.PHONY: setup-test
setup-test: ## and what the tests need: ffmpeg, nginx-rtmp, Chromium, cargo-nextest
	@./setup.sh run test

.PHONY: build
build: setup ## build the release binary
	$(CARGO) build --release --locked

.PHONY: run
run: build ## run the box, with a private MQTT broker unless one is configured; more arguments: make run ARGS="--config my.toml"
	@exec $(TARGET_DIR)/release/boothcast run --with-broker $(ARGS)

.PHONY: doctor
doctor: build ## say what this machine has and lacks
	@$(TARGET_DIR)/release/boothcast doctor $(ARGS)

.PHONY: test
test: setup-test ## formatting, lints, licences, all tests (real GStreamer, brokers, Chromium)
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	@./.ci/deny
	$(CARGO) nextest run --locked $(ARGS)

.PHONY: fuzz
fuzz: setup-test ## fuzz the codec of remote commands, what the audience sends, what browsers wish and the codes of set-up, each for FUZZ_S seconds (60)
	./fuzz/run codec $${FUZZ_S:-60}
	./fuzz/run room $${FUZZ_S:-60}
	./fuzz/run code $${FUZZ_S:-60}
	./fuzz/run web $${FUZZ_S:-60}

.PHONY: mqtt-history
mqtt-history: setup-test ## 200 seeds of commands under SIGKILL (HISTORY_SEEDS), judged
	HISTORY_SEEDS=$${HISTORY_SEEDS:-200} $(CARGO) nextest run --locked --profile long --no-capture -E 'test(nothing_runs_twice)' $(ARGS)

.PHONY: overlay-proof
overlay-proof: setup-test ## a minute of comments on the picture (OVERLAY_PROOF_S), read back over RTSP frame by frame
	OVERLAY_PROOF_S=$${OVERLAY_PROOF_S:-60} $(CARGO) nextest run --locked --profile long --no-capture -E 'test(comments_run_evenly)' $(ARGS)

.PHONY: update-proof
update-proof: setup-test ## a new version on trial with RAUC itself, kept after the real two minutes (docs/updates.md)
	$(CARGO) nextest run --locked --profile long --run-ignored only --no-capture -E 'test(kept_after_two_minutes)' $(ARGS)

.PHONY: rig
rig: ## build the device rig's kernel (once; kept outside the checkout)
	@./setup.sh run test rig
	@./tests/rig/kernel/build.sh

.PHONY: rig-test
rig-test: rig ## the tests on real kernel devices (docs/rig.md); needs root
	$(CARGO) nextest run --locked --profile rig $(ARGS)

.PHONY: rig-wifi
rig-wifi: rig ## set-up over the air, on the rig's radios; about four minutes
	$(CARGO) nextest run --locked --profile rig-wifi $(ARGS)

.PHONY: rig-soak
rig-soak: rig ## plug and unplug for an hour (RIG_SOAK_S: seconds) and print the slopes
	RIG_SOAK_S=$${RIG_SOAK_S:-3600} $(CARGO) nextest run --locked --profile rig-soak --no-capture $(ARGS)

.PHONY: setup-image
setup-image: ## and what building the SD-card image needs: mmdebstrap, qemu-user, squashfs-tools, rauc
	@./setup.sh run image

.PHONY: image
image: setup-image ## the SD-card image: BOARD=rpi4 VERSION= KERNEL=debian|raspberrypi TEST=1 (docs/image.md); as root
	@./image-build/build.sh image

.PHONY: bundle
bundle: setup-image ## the signed update bundle of the same: VERSION= BINARY= SIGN_CERT= SIGN_KEY= KEYRING=
	@./image-build/build.sh bundle

.PHONY: image-size
image-size: ## how much of the last image each package is
	@./image-build/build.sh size

.PHONY: image-repro
image-repro: setup-image ## build the image twice, in two folders, and compare them byte for byte; DEEP=1: from the packages on
	@./image-build/repro.sh

.PHONY: test-image
test-image: ## the image that the emulator boots, unless BOOTHCAST_IMAGE_DIR names a folder with one; as root
	@[ -n "$(BOOTHCAST_IMAGE_DIR)" ] || $(MAKE) image TEST=1

.PHONY: image-test-lean
image-test-lean: setup-test test-image ## boot the image in an emulator and look at its stream, as CI does (docs/image-test.md); needs root
	$(CARGO) nextest run --locked --test image --profile image -E 'test(/^lean::/)' $(ARGS)

.PHONY: image-test
image-test: setup-test test-image ## and updates, power cuts, broken systems, set-up by camera: hours
	$(CARGO) nextest run --locked --test image --profile image --no-capture $(ARGS)

.PHONY: bench
bench: setup-test ## the benchmarks of docs/benchmarks.md, as ratios in one run
	$(CARGO) bench --locked --bench whole_box --bench rtsp_readers --bench overlay $(ARGS)

.PHONY: web-load
web-load: setup-test ## a crowd in the room: 1,000 viewers, 50 lines a second, 60 s (VIEWERS, PER_S, LOAD_S)
	$(CARGO) bench --locked --bench web_load $(ARGS)

.PHONY: web-kills
web-kills: setup-test ## SIGKILL 50 times (KILLS) while people talk, vote and buy; the journal is judged after each
	KILLS=$${KILLS:-50} $(CARGO) nextest run --locked --profile long --no-capture -E 'test(survives_being_killed)' $(ARGS)

.PHONY: pictures
pictures: setup-test ## take the screenshots of README anew
	BOOTHCAST_BLESS=1 $(CARGO) nextest run --locked -E 'test(/^show::pictures/)'

.PHONY: fleet-sim
fleet-sim: setup-test ## 2,000 boxes at one broker that is killed and comes back (docs/fleet.md); about four minutes
	$(CARGO) bench --locked --bench fleet_sim $(ARGS)

.PHONY: bless
bless: ## rewrite generated documents (configuration reference, pictures of the overlay)
	BOOTHCAST_BLESS=1 $(CARGO) nextest run --locked -E 'test(reference)'

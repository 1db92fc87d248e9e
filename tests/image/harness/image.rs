//! Where the built image is, and what belongs to it.

use std::path::PathBuf;

/// What `make image TEST=1` leaves: the image with a root shell on its serial console, and what QEMU needs beside it.
pub struct Image {
    folder: PathBuf,
}

impl Image {
    /// The folder of the build: `BOOTHCAST_IMAGE_DIR`, else `target/image` of the checkout.
    pub fn find() -> Self {
        let folder = std::env::var_os("BOOTHCAST_IMAGE_DIR").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/image"),
            PathBuf::from,
        );
        let image = Self { folder };
        assert!(
            image.card().exists(),
            "there is no test image at {}: make image-test-lean builds it",
            image.card().display()
        );
        image
    }

    /// The card, uncompressed.
    pub fn card(&self) -> PathBuf {
        self.file("boothcast-test.img")
    }

    /// U-Boot for QEMU's virt machine.
    pub fn uboot(&self) -> PathBuf {
        self.file("u-boot-virt.bin")
    }

    /// A file of the build; panics when it is not there.
    pub fn built(&self, name: &str) -> PathBuf {
        let path = self.file(name);
        assert!(path.exists(), "the image build left no {}", path.display());
        path
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

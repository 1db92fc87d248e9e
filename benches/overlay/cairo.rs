//! The five functions of libcairo that are needed, from the library that the plug-in itself has loaded: no headers are needed
//! to build the bench.

use std::ffi::{CStr, c_double, c_int, c_uchar, c_void};

use boothcast::media::overlay::sprite::Sprite;
use gstreamer::glib;

const ARGB32: c_int = 0;

type Context = *mut c_void;
type Image = *mut c_void;

#[derive(Clone, Copy)]
pub struct Library {
    create: unsafe extern "C" fn(*mut c_uchar, c_int, c_int, c_int, c_int) -> Image,
    status: unsafe extern "C" fn(Image) -> c_int,
    set_source: unsafe extern "C" fn(Context, Image, c_double, c_double),
    paint: unsafe extern "C" fn(Context),
    destroy: unsafe extern "C" fn(Image),
}

/// A picture of cairo's; the pixels are kept beside it.
pub struct Surface {
    image: Image,
    _pixels: Box<[u32]>,
    destroy: unsafe extern "C" fn(Image),
}

// SAFETY: it is used by one thread at a time, the pipeline's.
unsafe impl Send for Surface {}
// SAFETY: it is only read, by the one thread that draws.
unsafe impl Sync for Surface {}

impl Drop for Surface {
    fn drop(&mut self) {
        // SAFETY: made by `Library::surface`, and not used after this.
        unsafe { (self.destroy)(self.image) }
    }
}

/// # Safety
/// `F` must be the type of the function of that name.
unsafe fn function<F: Copy>(library: *mut c_void, name: &CStr) -> F {
    assert_eq!(size_of::<F>(), size_of::<*mut c_void>());
    // SAFETY: a loaded library and a string that ends in 0; the symbol is a function, as the caller promises.
    unsafe {
        let symbol = libc::dlsym(library, name.as_ptr());
        assert!(!symbol.is_null(), "libcairo has no {name:?}");
        std::mem::transmute_copy(&symbol)
    }
}

impl Library {
    pub fn load() -> Self {
        // SAFETY: the types are those of cairo.h.
        unsafe {
            let library = libc::dlopen(c"libcairo.so.2".as_ptr(), libc::RTLD_NOW);
            assert!(!library.is_null(), "there is no libcairo");
            Self {
                create: function(library, c"cairo_image_surface_create_for_data"),
                status: function(library, c"cairo_surface_status"),
                set_source: function(library, c"cairo_set_source_surface"),
                paint: function(library, c"cairo_paint"),
                destroy: function(library, c"cairo_surface_destroy"),
            }
        }
    }

    /// The sprite as cairo likes it best: premultiplied, 32 bits a pixel.
    pub fn surface(&self, sprite: &Sprite) -> Surface {
        let pixels = sprite.argb.iter().map(|argb| u32::from_be_bytes(*argb));
        let mut pixels: Box<[u32]> = pixels.collect();
        let (wide, tall) = (sprite.width as c_int, sprite.height as c_int);
        // SAFETY: the pixels are whole rows of that size and live as long as the surface.
        let image = unsafe {
            let image = (self.create)(pixels.as_mut_ptr().cast(), ARGB32, wide, tall, wide * 4);
            assert_eq!((self.status)(image), 0);
            image
        };
        Surface {
            image,
            _pixels: pixels,
            destroy: self.destroy,
        }
    }

    /// Paints onto `context`, the second argument of the element's signal.
    pub fn paint(&self, context: &glib::Value, surface: &Surface, x: i32, y: i32) {
        use glib::translate::ToGlibPtr;
        let value: *const glib::gobject_ffi::GValue = context.to_glib_none().0;
        // SAFETY: the signal passes a cairo context as a boxed value, which lives until the handler returns.
        unsafe {
            let context = glib::gobject_ffi::g_value_get_boxed(value);
            (self.set_source)(context, surface.image, f64::from(x), f64::from(y));
            (self.paint)(context);
        }
    }
}

/*
 * htj2k.cc - HTJ2K without loss, by OpenJPH.  Not DCMTK, but C++ as well.
 *
 * OpenJPH prints what goes wrong before it throws; here it only throws.
 */
#include "dcmtk/guard.hh"

#include <openjph/ojph_arch.h>
#include <openjph/ojph_codestream.h>
#include <openjph/ojph_file.h>
#include <openjph/ojph_mem.h>
#include <openjph/ojph_message.h>
#include <openjph/ojph_params.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace
{
class silent_error : public ojph::message_error
{
      public:
	void operator()(int, const char *, int, const char *, ...)
	{
		throw std::runtime_error("OpenJPH");
	}
};
class silent_warning : public ojph::message_warning
{
      public:
	void operator()(int, const char *, int, const char *, ...)
	{
	}
};
} // namespace

static void silence()
{
	static silent_error error;
	static silent_warning warning;

	ojph::configure_error(&error);
	ojph::configure_warning(&warning);
}

static void describe(ojph::codestream &out, const struct img_dcmtk_image *image,
		     unsigned bits, bool mix)
{
	ojph::param_siz siz = out.access_siz();
	ojph::param_cod cod = out.access_cod();
	uint32_t least =
		image->rows < image->columns ? image->rows : image->columns;
	unsigned levels = 5;

	while (levels && 1u << levels > least)
		levels--;
	siz.set_image_extent(ojph::point(image->columns, image->rows));
	siz.set_num_components(image->samples);
	for (unsigned c = 0; c < image->samples; c++)
		siz.set_component(c, ojph::point(1, 1), bits,
				  image->representation);
	cod.set_num_decomposition(levels);
	cod.set_reversible(true);
	cod.set_color_transform(mix);
	out.set_planar(!mix);
}

static void fill(ojph::line_buf *line, const uint8_t *p,
		 const struct img_dcmtk_image *image)
{
	unsigned unit = image->allocated / 8u;
	size_t step = size_t(unit) * image->samples;

	for (uint32_t x = 0; x < image->columns; x++, p += step) {
		int32_t v = unit == 1 ? p[0] : p[0] | p[1] << 8;

		if (image->representation)
			v = unit == 1 ? int8_t(v) : int16_t(v);
		line->i32[x] = v;
	}
}

/* Lines as the codestream asks for them: by component, or all of each. */
static void push(ojph::codestream &out, const uint8_t *p,
		 const struct img_dcmtk_image *image, bool mix)
{
	unsigned unit = image->allocated / 8u, samples = image->samples;
	size_t row = size_t(unit) * samples * image->columns;
	uint64_t lines = uint64_t(image->rows) * samples;
	ojph::ui32 next;
	ojph::line_buf *line = out.exchange(NULL, next);

	for (uint64_t i = 0; i < lines; i++) {
		size_t c = size_t(mix ? i % samples : i / image->rows);
		size_t y = size_t(mix ? i / samples : i % image->rows);

		if (next != c)
			throw std::runtime_error("order of components");
		fill(line, p + y * row + c * unit, image);
		line = out.exchange(line, next);
	}
}

int img_dcmtk_htj2k(const struct img_dcmtk_image *image, unsigned bits,
		    bool mix, const void *p, uint8_t **out, size_t *len,
		    struct img_err *err)
{
	return guard(err, [&] {
		ojph::mem_outfile file;
		ojph::codestream code;
		size_t n;

		silence();
		try {
			describe(code, image, bits, mix);
			file.open();
			code.write_headers(&file);
			push(code, static_cast<const uint8_t *>(p), image, mix);
			code.flush();
			n = size_t(file.tell());
			*out = static_cast<uint8_t *>(std::malloc(n + 1));
			if (!*out)
				throw std::bad_alloc();
			std::memcpy(*out, file.get_data(), n);
			(*out)[n] = 0; /* PS3.5 A.4 */
			*len = n + (n & 1);
			code.close();
		} catch (const std::runtime_error &) {
			return img_err_set(err, IMG_E_UNSUPPORTED,
					   "OpenJPH cannot encode it");
		}
		return 0;
	});
}

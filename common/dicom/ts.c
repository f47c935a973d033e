/* ts.c - transfer syntaxes (PS3.6 table A-1, PS3.5 annex A). */
#include <string.h>

#include "dicom/dicom.h"

#define ROOT "1.2.840.10008.1.2"
/* Encapsulated pixel data, explicit VR little endian (PS3.5 A.4). */
#define CODED(uid, name, lossy)                                                \
	{                                                                      \
		ROOT uid, name, false, false, false, IMG_TS_ENCAPSULATED,      \
			lossy, false                                           \
	}
#define VIDEO(uid, name)                                                       \
	{                                                                      \
		ROOT uid, name, false, false, false, IMG_TS_ENCAPSULATED,      \
			true, true                                             \
	}
#define NATIVE(uid, name, implicit, big, deflated)                             \
	{                                                                      \
		uid, name, implicit, big, deflated, IMG_TS_NATIVE, false,      \
			false                                                  \
	}

static const struct img_ts table[] = {
	NATIVE(ROOT ".1", "Explicit VR Little Endian", false, false, false),
	NATIVE(ROOT, "Implicit VR Little Endian", true, false, false),
	NATIVE(ROOT ".2", "Explicit VR Big Endian", false, true, false),
	NATIVE(ROOT ".1.99", "Deflated Explicit VR Little Endian", false, false,
	       true),
	CODED(".1.98", "Encapsulated Uncompressed Explicit VR Little Endian",
	      false),
	CODED(".4.50", "JPEG Baseline (Process 1)", true),
	CODED(".4.51", "JPEG Extended (Process 2 and 4)", true),
	CODED(".4.52", "JPEG Extended (Process 3 and 5)", true),
	CODED(".4.53",
	      "JPEG Spectral Selection, Non-Hierarchical (Process 6 and 8)",
	      true),
	CODED(".4.54",
	      "JPEG Spectral Selection, Non-Hierarchical (Process 7 and 9)",
	      true),
	CODED(".4.55",
	      "JPEG Full Progression, Non-Hierarchical (Process 10 and 12)",
	      true),
	CODED(".4.56",
	      "JPEG Full Progression, Non-Hierarchical (Process 11 and 13)",
	      true),
	CODED(".4.57", "JPEG Lossless, Non-Hierarchical (Process 14)", false),
	CODED(".4.58", "JPEG Lossless, Non-Hierarchical (Process 15)", false),
	CODED(".4.59", "JPEG Extended, Hierarchical (Process 16 and 18)", true),
	CODED(".4.60", "JPEG Extended, Hierarchical (Process 17 and 19)", true),
	CODED(".4.61",
	      "JPEG Spectral Selection, Hierarchical (Process 20 and 22)",
	      true),
	CODED(".4.62",
	      "JPEG Spectral Selection, Hierarchical (Process 21 and 23)",
	      true),
	CODED(".4.63",
	      "JPEG Full Progression, Hierarchical (Process 24 and 26)", true),
	CODED(".4.64",
	      "JPEG Full Progression, Hierarchical (Process 25 and 27)", true),
	CODED(".4.65", "JPEG Lossless, Hierarchical (Process 28)", false),
	CODED(".4.66", "JPEG Lossless, Hierarchical (Process 29)", false),
	CODED(".4.70",
	      "JPEG Lossless, Non-Hierarchical, First-Order Prediction "
	      "(Process 14 [Selection Value 1])",
	      false),
	CODED(".4.80", "JPEG-LS Lossless Image Compression", false),
	CODED(".4.81", "JPEG-LS Lossy (Near-Lossless) Image Compression", true),
	CODED(".4.90", "JPEG 2000 Image Compression (Lossless Only)", false),
	CODED(".4.91", "JPEG 2000 Image Compression", true),
	CODED(".4.92",
	      "JPEG 2000 Part 2 Multi-component Image Compression "
	      "(Lossless Only)",
	      false),
	CODED(".4.93", "JPEG 2000 Part 2 Multi-component Image Compression",
	      true),
	/* Referenced: the pixel data lies behind a URL (PS3.5 A.6, A.7). */
	NATIVE(ROOT ".4.94", "JPIP Referenced", false, false, false),
	NATIVE(ROOT ".4.95", "JPIP Referenced Deflate", false, false, true),
	NATIVE(ROOT ".4.204", "JPIP HTJ2K Referenced", false, false, false),
	NATIVE(ROOT ".4.205", "JPIP HTJ2K Referenced Deflate", false, false,
	       true),
	VIDEO(".4.100", "MPEG2 Main Profile / Main Level"),
	VIDEO(".4.100.1", "Fragmentable MPEG2 Main Profile / Main Level"),
	VIDEO(".4.101", "MPEG2 Main Profile / High Level"),
	VIDEO(".4.101.1", "Fragmentable MPEG2 Main Profile / High Level"),
	VIDEO(".4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
	VIDEO(".4.102.1",
	      "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1"),
	VIDEO(".4.103",
	      "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
	VIDEO(".4.103.1", "Fragmentable MPEG-4 AVC/H.264 BD-compatible High "
			  "Profile / Level 4.1"),
	VIDEO(".4.104",
	      "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"),
	VIDEO(".4.104.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / "
			  "Level 4.2 For 2D Video"),
	VIDEO(".4.105",
	      "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"),
	VIDEO(".4.105.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / "
			  "Level 4.2 For 3D Video"),
	VIDEO(".4.106", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
	VIDEO(".4.106.1", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile "
			  "/ Level 4.2"),
	VIDEO(".4.107", "HEVC/H.265 Main Profile / Level 5.1"),
	VIDEO(".4.108", "HEVC/H.265 Main 10 Profile / Level 5.1"),
	CODED(".4.110", "JPEG XL Lossless", false),
	CODED(".4.111", "JPEG XL JPEG Recompression", true),
	CODED(".4.112", "JPEG XL", true),
	CODED(".4.201",
	      "High-Throughput JPEG 2000 Image Compression (Lossless Only)",
	      false),
	CODED(".4.202",
	      "High-Throughput JPEG 2000 with RPCL Options Image Compression "
	      "(Lossless Only)",
	      false),
	CODED(".4.203", "High-Throughput JPEG 2000 Image Compression", true),
	CODED(".5", "RLE Lossless", false),
	CODED(".8.1", "Deflated Image Frame Compression", false),
	NATIVE("1.2.840.10008.1.20", "Papyrus 3 Implicit VR Little Endian",
	       true, false, false),
	/* Implicit VR little endian but for the order in pixel words. */
	NATIVE("1.2.840.113619.5.2",
	       "GE Private Implicit VR Big Endian Pixel Data", true, false,
	       false),
};

const struct img_ts *img_ts_find(const char *uid)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].uid, uid) == 0)
			return &table[i];
	return NULL;
}

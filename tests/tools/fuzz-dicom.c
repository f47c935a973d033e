/* fuzz-dicom - the fuzz target of the DICOM room over saved inputs. */
#include "../fuzz/dicom.c"
#include "../fuzz/replay.c"

/* fuzz-archive - the fuzz target of the archive room over saved inputs. */
#include "../fuzz/archive.c"
#include "../fuzz/replay.c"

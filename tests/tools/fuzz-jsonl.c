/* fuzz-jsonl - the fuzz target of jsonl and record over saved inputs. */
#include "../fuzz/jsonl.c"
#include "../fuzz/replay.c"

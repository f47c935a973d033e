/* atna_act.c - what the acts of the audit log are in PS3.15 A.5.3. */
#include <string.h>

#include "work/atna_private.h"

/* EventTypeCodes of six digits are of CID 401 and 403 (DCM), others ours. */
static const struct atna_act acts[] = {
	{ "stored", ATNA_IMPORT, 'C', 0, NULL, NULL, NULL },
	{ "catalogued", ATNA_IMPORT, 'C', 0, NULL, NULL, NULL },
	{ "conflict", ATNA_IMPORT, 'C', 0, NULL, NULL, NULL },
	{ "equivalent", ATNA_IMPORT, 'C', 0, NULL, NULL, NULL },
	{ "replaced", ATNA_IMPORT, 'C', 0, NULL, NULL, NULL },
	{ "exported", ATNA_EXPORT, 'R', 0, NULL, NULL, NULL },
	{ "deidentified", ATNA_EXPORT, 'R', 0, NULL, NULL, NULL },
	{ "export-failed", ATNA_EXPORT, 'R', 8, NULL, NULL,
	  "objects did not leave after all" },
	{ "sent", ATNA_SENT, 'R', 0, NULL, NULL, NULL },
	{ "committed", ATNA_SENT, 'R', 0, NULL, NULL, NULL },
	{ "not-sent", ATNA_SENT, 'R', 4, NULL, NULL, NULL },
	{ "removed", ATNA_ACCESSED, 'D', 0, NULL, NULL, NULL },
	{ "restored", ATNA_ACCESSED, 'U', 0, NULL, NULL, NULL },
	{ "started", ATNA_ACTIVITY, 'E', 0, "110120", "Application Start",
	  NULL },
	{ "stopped", ATNA_ACTIVITY, 'E', 0, "110121", "Application Stop",
	  NULL },
	{ "verifying", ATNA_ACTIVITY, 'E', 0, "110120", "Application Start",
	  NULL },
	{ "verified", ATNA_ACTIVITY, 'E', 0, "110121", "Application Stop",
	  "objects verified" },
	{ "signed", ATNA_ACTIVITY, 'E', 0, "signed", "Statement Signed",
	  "objects in the statement" },
	{ "rebuilt", ATNA_ACTIVITY, 'E', 0, "rebuilt", "Catalog Rebuilt",
	  "objects catalogued" },
	{ "audit-read", ATNA_LOG_USED, 'R', 0, NULL, NULL, NULL },
	{ "refused", ATNA_ALERT, 'E', 4, "110126", "Node Authentication",
	  "association refused" },
	{ "unreported", ATNA_ALERT, 'E', 4, "unreported",
	  "Storage Commitment Not Reported",
	  "objects of which a peer that asked for them was not told" },
	{ "recovered", ATNA_ALERT, 'E', 4, "110134", "Audit Recording Started",
	  "a line of the audit log that a crash had torn was cut off" },
	{ "cut", ATNA_ALERT, 'E', 12, "cut", "Audit Log Cut Off",
	  "lines of the audit log are gone" },
	{ "damaged", ATNA_ALERT, 'E', 8, "damaged", "Object Damaged",
	  "a stored object is not what was stored" },
	{ "missing", ATNA_ALERT, 'E', 8, "missing", "Object Missing",
	  "a stored object is not there" },
	{ "invalid", ATNA_ALERT, 'E', 4, "invalid", "Object Invalid",
	  "a stored object is not what the standard says" },
	{ "intact", ATNA_ALERT, 'E', 0, "intact", "Object Intact",
	  "a stored object that was not is again what was stored" },
};

struct atna_act atna_act(const char *act, bool from)
{
	struct atna_act own = { act, ATNA_ACTIVITY, 'E', 0, act, act, NULL };

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].act, act) == 0)
			own = acts[i];
	/* From another application entity it is a transfer, A.5.3.7. */
	if (own.kind == ATNA_IMPORT && from) {
		own.kind = ATNA_RECEIVED;
		own.action = strcmp(act, "replaced") == 0 ? 'U' : 'C';
	}
	return own;
}

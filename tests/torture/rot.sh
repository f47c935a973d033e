#!/bin/sh
# rot.sh - single bits that flip, and files that are cut off, anywhere in
# objects, the catalog, the audit log and a disc's manifest: each is found.
#
#	rot.sh [harms]		1,000,000 by default
#	rot.sh control [flips]	200 by default: flips in the catalog, judged by
#				SQLite's integrity check, which misses some
# SEED: others.
. "$(dirname "$0")/lib.sh"
need bitflip imgexport imgimport imgverify phantom rot sqlite3
T_=$(mktemp -d "${TMPDIR:-/dev/shm}/imgrot.XXXXXX") && cd "$T_" || exit 3
trap 'cd / && chmod -R u+w "$T_" && rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM

for i in 1 2 3 4 5 6; do
	phantom one --uid 2.25.$i --instance $i --study "2.25.7$((i % 2))" \
		--series "2.25.8$i" --modality CT "$i.dcm"
done
imgimport -q -C arch ./*.dcm >/dev/null &&
	imgexport -q -o disc --media 1.dcm 2.dcm >/dev/null ||
	quit 'no archive'
chmod -R u+w disc

if [ "${1-}" = control ]; then
	n=0 missed=0
	sqlite3 arch/catalog.db 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
	size=$(stat -c %s arch/catalog.db)
	while [ $n -lt "${2:-200}" ]; do
		n=$((n + 1))
		cp arch/catalog.db bad.db
		bitflip bad.db "$(awk -v r="$(random 1 $n)" -v n="$size" \
			'BEGIN { printf "%d", r * n }')" >/dev/null
		[ "$(sqlite3 bad.db 'PRAGMA integrity_check' 2>&1)" != ok ] ||
			missed=$((missed + 1))
	done
	echo "rot, control: of $n flips in the catalog SQLite's integrity" \
		"check misses $missed"
	[ $missed -gt 0 ]
	exit
fi
rot "${1:-1000000}" "$SEED" arch disc >out
status=$?
grep '^not found: ' out | head -n 5
echo "rot: $(grep -v '^not found: ' out | tr '\n' ',' |
	sed 's/,$//; s/,/, /g')"
exit $status

#!/bin/sh
# hostile.sh - every hostile file and archive through each command that reads
# such, one at a time and measured: memory of the command and of its workers,
# time of processor, and whether a signal ended one.
#
#	hostile.sh [part]	2/20: every twentieth, from the second on; all
#	hostile.sh name		that one
#	hostile.sh control	dcmdump in their place: it has to be found out
#
# The limits: 64 MiB, 512 MiB a worker, 10 s, and no crash of a command.  A
# worker that crashes is contained; these are counted and named.
#
# shellcheck disable=SC2034,SC2154
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/cases.sh"
need costs dcmcjpeg mkcases mkhostile
grep -q __asan_init "$O/bin/imgimport" && quit 'a sanitizer needs memory'

what=${1:-1/1}
T_=$(mktemp -d "${TMPDIR:-/var/tmp}/imghostile.XXXXXX") && cd "$T_" || exit 3
trap 'cd / && chmod -R u+rwX "$T_"; rm -rf "$T_"' EXIT
trap 'exit 130' INT TERM
cases_make || quit 'the cases cannot be made'
imganon --new-key key >/dev/null || quit 'no key'

# The files by name: DICOM, and what mkhostile makes.
{
	sed 's/\t.*/ in/' list.tsv
	mkhostile -l | sed 's/\t.*/ mk/'
} >files

# one LABEL COMMAND ...: its line of costs is kept with its label
one()
{
	label=$1
	shift
	rm -f cost
	timeout -k 5 60 costs cost "$@" >out 2>err </dev/null
	# One that hangs has no line of its own.
	[ -s cost ] || echo '61 60 0 0 0 0 124' >cost
	echo "$label $(tail -n 1 cost)" >>costs
	rm -rf arch new pictures recoded
}

commands()
{
	one "$1:import" imgimport -q -C arch "$2"
	case $3 in
	in) one "$1:verify" imgverify -q --deep "$2" ;;
	mk) one "$1:media" imgverify -q --media "$2" ;;
	esac
	[ "$3" = in ] || return 0
	one "$1:anon" imganon -q --key key --pixels keep -o new "$2"
	one "$1:png" imgexport -q --as png -o pictures "$2"
	one "$1:recode" imgexport -q --transfer-syntax explicit --allow lossy \
		-o recoded "$2"
	one "$1:jpegls" imgexport -q --transfer-syntax jpegls -o recoded "$2"
}

# What DCMTK makes of some of them.
control()
{
	need dcmdump
	for name in nest20000 nest100000; do
		mkhostile $name >file
		one $name:dcmdump dcmdump file
	done
}

if [ "$what" = control ]; then
	control
else
	case $what in
	*/*) awk -v part="${what%/*}" -v of="${what#*/}" \
		'NR % of == part % of' files ;;
	*) grep "^$what " files ;;
	esac >some
	while read -r name kind; do
		if [ "$kind" = in ]; then
			commands "$name" "in/$name.dcm" in
		else
			mkhostile "$name" >file
			commands "$name" file mk
		fi
	done <some
fi

# label clock seconds parent child children crashes status
awk -v name="$what" '
	$3 > seconds { seconds = $3; slow = $1 }
	$4 > parent { parent = $4; fat = $1 }
	$5 > child { child = $5; fatter = $1 }
	{
		bad = $2 > 60 || $3 > 10 || $4 > 65536 ||
			$5 > 524288 || ($8 > 3 && $8 != 70)
		if ($8 == 70) { print "our bug: " $0; wrong++ }
		if (bad) { print "over the limits: " $0; wrong++ }
		if ($7) { print "contained: " $0; contained += $7 }
		sub(/:.*/, "", $1)
		files[$1]
	}
	END {
		for (f in files)
			n++
		printf "hostile: %d files, %d runs, %d wrong, %d crashes " \
			"contained; worst: %d MiB (%s), worker %d MiB (%s), " \
			"%.1f s (%s)\n", n, NR, wrong, contained,
			parent / 1024, fat, child / 1024, fatter, seconds, slow
		exit wrong || !NR
	}' costs
status=$?
if [ "$what" = control ]; then
	[ $status = 1 ] # it was found out
	exit
fi
exit $status

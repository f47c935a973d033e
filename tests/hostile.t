#!/bin/sh
# hostile.t - imgimport over inputs that were made to do harm: each has its
# verdict, at most 64 MiB and 10 s, and touches nothing but the archive.
. "$(dirname "$0")/lib.sh"
need mkhostile timed

# A sanitizer needs more memory and time than is measured here.
plain=yes
grep -q __asan_init "$O/bin/imgimport" && plain=

mkdir in && echo sentinel >in/sentinel

# verdict KIND STATUS RECORDS CODES: RECORDS counts each status word
verdict()
{
	rm -rf arch cost
	mkhostile "$1" >"in/$1"
	exits "$2" "$1" timeout -k 1 120 timed cost imgimport -q -C arch \
		"in/$1"
	sed 's/^{"status":"\([a-z]*\)".*/\1/' out | LC_ALL=C sort | uniq -c |
		awk '{ printf "%s%s %s", s, $1, $2; s = " " }' >got
	[ -z "$3" ] || ok "$1: $3" test "$(cat got)" = "$3"
	codes=$(grep -o '"code":"[a-z-]*"' out | cut -d '"' -f 4 |
		LC_ALL=C sort -u | tr '\n' ' ')
	ok "$1: ${4:-no error}" test "${codes% }" = "$4"
	[ -z "$plain" ] || ok "$1: at most 64 MiB and 10 s" \
		awk '$2 > 10 || $3 > 64 * 1024 { print; exit 1 }' cost
	case $1 in
	*-many | bigut) rm "in/$1" ;;
	esac
}

verdict good 0 '1 stored' ''
verdict nest64 0 '1 stored' ''
verdict nest1000 3 '1 rejected' limit
verdict nest5000 3 '1 rejected' limit
verdict nest20000 3 '1 rejected' limit
verdict nest100000 3 '1 rejected' limit
verdict hugelen_ob 3 '1 rejected' truncated
verdict hugelen_ut 3 '1 rejected' truncated
verdict hugelen_sq 3 '1 rejected' truncated
verdict hugelen_item 3 '1 rejected' truncated
verdict odd 0 '1 stored' ''
verdict million 0 '1 stored' ''
verdict bigut 0 '1 stored' ''
verdict pixshort 0 '1 stored' ''
verdict jpegtem 0 '1 stored' ''
verdict deflbomb 3 '1 rejected' limit
verdict trunc 3 '1 rejected' truncated
verdict empty 3 '1 rejected' truncated
verdict pe 0 '1 stored' ''
verdict elf 0 '1 stored' ''
verdict nodelim 3 '1 rejected' truncated
verdict novr 3 '1 rejected' malformed
verdict emptyfrag 0 '1 stored' ''
verdict longpn 0 '1 stored' ''
verdict twice 0 '1 stored' ''
verdict grouplie 0 '1 stored' ''
verdict tar-dotdot 2 '1 ignored 1 rejected 2 stored' refused
verdict tar-absolute 2 '1 ignored 1 rejected 2 stored' refused
verdict tar-drive 2 '1 ignored 1 rejected 2 stored' refused
verdict tar-backslash 2 '1 ignored 1 rejected 2 stored' refused
verdict tar-inner 2 '1 ignored 1 rejected 2 stored' refused
verdict tar-dot 0 '1 ignored 3 stored' ''
verdict tar-symlink 2 '1 ignored 1 rejected 3 stored' refused
verdict tar-hardlink 2 '1 ignored 1 rejected 2 stored' refused
verdict tar-chardev 2 '1 ignored 1 rejected 2 stored' refused
verdict tar-blockdev 2 '1 ignored 1 rejected 2 stored' refused
verdict tar-fifo 2 '1 ignored 1 rejected 2 stored' refused
verdict tar-longname 2 '1 ignored 1 rejected 2 stored' refused
verdict tar-controls 0 '1 ignored 2 stored' ''
verdict tar-twice 0 '1 ignored 3 stored' ''
verdict tar-sparse 2 '1 ignored 1 rejected 2 stored' limit
verdict tar-badsum 2 '1 rejected 1 stored' malformed
verdict tar-noend 2 '1 rejected 2 stored' truncated
verdict tar-cut 2 '2 rejected 1 stored' truncated
verdict tar-concat 0 '1 ignored 2 stored' ''
verdict tar-junk 2 '1 rejected 1 stored' malformed
verdict tgz-many 2 '1 ignored 200000 rejected' truncated
verdict tgz-badcrc 2 '1 rejected 2 stored' malformed
verdict tgz-cut 2 '1 rejected 2 stored' truncated
verdict tgz-bomb 2 '2 rejected 1 stored' 'limit not-dicom'
verdict gz-notar 3 '1 rejected' unsupported
verdict zstd-window 3 '1 rejected' limit
verdict xz-dict 3 '1 rejected' limit
verdict zip-dotdot 2 '1 ignored 1 rejected 2 stored' refused
verdict zip-absolute 2 '1 ignored 1 rejected 2 stored' refused
verdict zip-drive 2 '1 ignored 1 rejected 2 stored' refused
verdict zip-backslash 2 '1 ignored 1 rejected 2 stored' refused
verdict zip-windows 0 '1 ignored 3 stored' ''
verdict zip-inner 2 '1 ignored 1 rejected 2 stored' refused
verdict zip-symlink 2 '1 ignored 1 rejected 2 stored' refused
verdict zip-bomb 2 '1 ignored 1 rejected 2 stored' not-dicom
verdict zip-image 3 '2 rejected' limit
verdict zip-many 2 '1 ignored 200000 rejected' truncated
verdict zip-sizelie 2 '1 ignored 1 rejected 1 stored' not-dicom
verdict zip-overlap 3 '2 rejected' 'malformed not-dicom'
verdict zip-quoted 3 '' 'limit malformed truncated'
verdict zip-nested 2 '2 ignored 1 rejected 2 stored' limit
verdict zip-encrypted 2 '1 ignored 1 rejected 1 stored' unsupported
verdict zip-lzma 2 '1 ignored 1 rejected 1 stored' unsupported
verdict zip-method 2 '1 ignored 1 rejected 1 stored' unsupported
verdict zip-crc 2 '1 ignored 1 rejected 1 stored' malformed
verdict zip-cut 2 '1 rejected 2 stored' truncated
verdict zip-head 2 '1 rejected 1 stored' malformed
verdict iso-good 0 '1 duplicate 1 ignored 1 stored' ''
verdict iso-loop 3 '1 rejected' malformed
verdict iso-beyond 3 '1 rejected' malformed
verdict iso-overlap 2 '1 ignored 1 rejected 1 stored' refused
verdict iso-cut 2 '1 ignored 1 rejected 1 stored' truncated
verdict iso-many 3 '1 rejected' limit

# No name of a member was ever a path.
ok 'nothing was made beside the archive' test "$(ls | tr '\n' ' ')" = \
	'arch cost err got in out '
ok 'nothing was made beside the inputs' \
	test -z "$(find in ! -type f ! -name in)"

# All of them into one archive: what was stored is stored, and a second run
# says the same.
rm -rf arch in/zip-image
exits 2 'all at once' imgimport -q -C arch in
sed 's/^{"status":"\([a-z]*\)","path":"\([^"]*\)".*/\1 \2/' out |
	LC_ALL=C sort >first
ok 'what is stored is intact' imgverify -q -C arch
exits 2 'all at once, again' imgimport -q -C arch in
sed 's/^{"status":"\([a-z]*\)","path":"\([^"]*\)".*/\1 \2/' out |
	LC_ALL=C sort >second
ok 'the second run stores nothing' test -z "$(grep ^stored second)"
sed 's/^stored /duplicate /' first | LC_ALL=C sort >first.d
LC_ALL=C sort second >second.d
ok 'and judges as the first' cmp first.d second.d

finish

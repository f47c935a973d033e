# hostile-archives.t - archives, streams and discs of mkhostile that are not in
# hostile.t: each has its verdict, costs little, and touches nothing.
. "$(dirname "$0")/lib.sh"
need mkhostile timed
. "$TOP/tests/archive.sh"

# A sanitizer needs more memory and time than is measured here.
plain=yes
grep -q __asan_init "$O/bin/imgimport" && plain=

# verdict KIND STATUS RECORDS CODES, as in hostile.t
verdict()
{
	rm -rf arch cost
	ok "$1: is made" sh -c 'mkhostile "$0" >"$0"' "$1"
	exits "$2" "$1" timeout -k 1 60 timed cost imgimport -q -C arch "$1"
	sed 's/^{"status":"\([a-z]*\)".*/\1/' out | LC_ALL=C sort | uniq -c |
		awk '{ printf "%s%s %s", s, $1, $2; s = " " }' >got
	codes=$(grep -o '"code":"[a-z-]*"' out | cut -d '"' -f 4 |
		LC_ALL=C sort -u | tr '\n' ' ')
	ok "$1: $3, ${4:-no error}" test "$(cat got) ${codes% }" = "$3 $4"
	[ -z "$plain" ] || ok "$1: at most 64 MiB and 10 s" \
		awk '$2 > 10 || $3 > 64 * 1024 { print; exit 1 }' cost
	rm -f "$1"
}

verdict zip-fifo 0 '1 ignored 3 stored' ''
verdict zip-device 2 '1 ignored 1 rejected 2 stored' 'refused'
verdict zip-socket 2 '1 ignored 1 rejected 2 stored' 'refused'
verdict zip-nul 0 '1 ignored 3 stored' ''
verdict zip-noname 2 '1 ignored 1 rejected 2 stored' 'refused'
verdict zip-folder 2 '1 ignored 1 rejected 2 stored' 'refused'
verdict zip-controls 0 '1 ignored 3 stored' ''
verdict zip-utf8 0 '1 ignored 3 stored' ''
verdict zip-rtl 0 '1 ignored 3 stored' ''
verdict zip-con 0 '1 ignored 3 stored' ''
verdict zip-twice 0 '1 ignored 3 stored' ''
verdict zip-aes 2 '1 ignored 1 rejected 2 stored' 'unsupported'
verdict zip-strong 2 '1 ignored 1 rejected 2 stored' 'unsupported'
verdict zip-deflate64 2 '1 ignored 1 rejected 2 stored' 'unsupported'
verdict zip-bzip2 2 '1 ignored 1 rejected 2 stored' 'malformed'
verdict zip-zstd 2 '1 ignored 1 rejected 2 stored' 'unsupported'
verdict zip-deflate 2 '1 ignored 1 rejected 2 stored' 'malformed'
verdict zip-stored 2 '1 ignored 1 rejected 2 stored' 'malformed'
verdict zip-packed 2 '1 ignored 1 rejected 2 stored' 'truncated'
verdict zip-offset 2 '1 rejected 2 stored' 'truncated'
verdict zip-shifted 2 '1 rejected 1 stored' 'malformed'
verdict zip-names 0 '1 ignored 3 stored' ''
verdict zip-sums 2 '1 ignored 1 rejected 2 stored' 'malformed'
verdict zip-unlisted 0 '1 ignored 2 stored' ''
verdict zip64-good 0 '1 ignored 2 stored' ''
verdict zip64-huge 2 '1 ignored 1 rejected 1 stored' 'truncated'
verdict zip64-negative 3 '1 rejected' 'malformed'
verdict zip64-short 3 '1 rejected' 'malformed'
verdict zip64-extra 3 '1 rejected' 'malformed'
verdict zip-empty 0 '1 ignored' ''
verdict zip-stub 3 '1 rejected' 'not-dicom'
verdict zip-junk 0 '1 ignored 2 stored' ''
verdict zip-comment 2 '1 rejected 2 stored' 'truncated'
verdict zip-disc 3 '1 rejected' 'unsupported'
verdict zip-count 2 '1 rejected 2 stored' 'malformed'
verdict zip-place 0 '1 ignored 2 stored' ''
verdict zip-ends 2 '1 rejected 2 stored' 'malformed'
verdict zip-streamed 0 '1 ignored 2 stored' ''
verdict zip-descriptor 2 '1 ignored 1 rejected 1 stored' 'malformed'
verdict tar-pax-size 2 '1 ignored 1 rejected 2 stored' 'malformed'
verdict tar-pax-path 2 '1 ignored 1 rejected 2 stored' 'refused'
verdict tar-pax-zero 2 '1 ignored 1 rejected 2 stored' 'malformed'
verdict tar-pax-long 2 '1 ignored 1 rejected 2 stored' 'malformed'
verdict tar-pax-minus 2 '1 ignored 1 rejected 2 stored' 'malformed'
verdict tar-pax-none 2 '1 ignored 1 rejected 2 stored' 'malformed'
verdict tar-pax-sparse 2 '1 ignored 1 rejected 2 stored' 'malformed'
verdict tar-pax-map 2 '2 rejected 1 stored' 'malformed'
verdict tar-pax-acl 0 '1 ignored 3 stored' ''
verdict tar-pax-xattr 0 '1 ignored 3 stored' ''
verdict tar-pax-link 0 '1 ignored 3 stored' ''
verdict tar-pax-charset 0 '1 ignored 3 stored' ''
verdict tar-pax-time 0 '1 ignored 3 stored' ''
verdict tar-type-volume 2 '1 rejected 1 stored' 'malformed'
verdict tar-type-multi 0 '1 ignored 3 stored' ''
verdict tar-type-dump 0 '1 ignored 2 stored' ''
verdict tar-type-solid 0 '1 ignored 3 stored' ''
verdict tar-type-odd 0 '1 ignored 3 stored' ''
verdict tar-type-zero 0 '1 ignored 3 stored' ''
verdict tar-type-folder 2 '1 rejected 1 stored' 'malformed'
verdict tar-type-global 0 '1 ignored 2 stored' ''
verdict tar-size-8g 2 '2 rejected 1 stored' 'truncated'
verdict tar-size-minus 2 '1 rejected 1 stored' 'malformed'
verdict tar-size-8e 2 '1 rejected 1 stored' 'malformed'
verdict tar-size-text 2 '2 rejected 1 stored' 'malformed truncated'
verdict tar-size-sign 2 '1 rejected 1 stored' 'malformed'
verdict tar-gnu-name 2 '1 ignored 1 rejected 2 stored' 'refused'
verdict tar-gnu-long 2 '1 rejected 1 stored' 'malformed'
verdict tar-nested 2 '2 ignored 1 rejected 2 stored' 'limit'
verdict gz-gz 3 '1 rejected' 'unsupported'
verdict gz-name 0 '1 ignored 1 stored' ''
verdict gz-extra 3 '1 rejected' 'truncated'
verdict gz-parts 0 '1 ignored 1 stored' ''
verdict gz-junk 2 '1 rejected 1 stored' 'malformed'
verdict gz-flags 3 '1 rejected' 'malformed'
verdict zst-size 3 '1 rejected' 'unsupported'
verdict zst-dict 3 '1 rejected' 'malformed'
verdict zst-skip 3 '1 rejected' 'truncated'
verdict zst-block 3 '1 rejected' 'malformed'
verdict zst-run 3 '1 rejected' 'malformed'
verdict bz2-random 3 '1 rejected' 'malformed'
verdict bz2-origin 3 '1 rejected' 'malformed'
verdict bz2-tables 3 '1 rejected' 'malformed'
verdict bz2-end 3 '1 rejected' 'unsupported'
verdict xz-none 3 '1 rejected' 'malformed'
verdict xz-header 3 '1 rejected' 'malformed'
verdict xz-filter 3 '1 rejected' 'malformed'
verdict xz-crc 3 '1 rejected' 'malformed'
verdict x-7z 3 '1 rejected' 'unsupported'
verdict x-rar4 3 '1 rejected' 'unsupported'
verdict x-rar5 3 '1 rejected' 'unsupported'
verdict x-cab 0 '1 ignored' ''
verdict x-cpio-new 3 '1 rejected' 'not-dicom'
verdict x-cpio-odc 3 '1 rejected' 'not-dicom'
verdict x-cpio-bin 3 '1 rejected' 'not-dicom'
verdict x-ar 3 '1 rejected' 'not-dicom'
verdict x-xar 3 '1 rejected' 'not-dicom'
verdict x-lha 3 '1 rejected' 'not-dicom'
verdict x-mtree 3 '1 rejected' 'not-dicom'
verdict x-warc 3 '1 rejected' 'not-dicom'
verdict x-compress 3 '1 rejected' 'not-dicom'
verdict x-lzma 3 '1 rejected' 'not-dicom'
verdict x-lz4 3 '1 rejected' 'not-dicom'
verdict x-lzip 3 '1 rejected' 'not-dicom'
verdict x-lzop 3 '1 rejected' 'not-dicom'
verdict x-cd 3 '1 rejected' 'unsupported'
verdict iso-rr 0 '1 ignored 1 stored' ''
verdict iso-symlink 2 '1 ignored 1 rejected' 'refused'
verdict iso-name 2 '1 ignored 1 rejected' 'refused'
verdict iso-device 2 '1 ignored 1 rejected' 'refused'
verdict iso-moved 3 '1 rejected' 'malformed'
verdict iso-ce 3 '1 rejected' 'malformed'
verdict iso-su 3 '1 rejected' 'malformed'
verdict iso-zisofs 2 '1 ignored 1 rejected' 'malformed'
verdict iso-joliet-deep 3 '1 rejected' 'malformed'
verdict iso-zisofs-2 0 '1 ignored 1 stored' ''
verdict iso-zisofs-64 0 '1 ignored 1 stored' ''
verdict iso-record-1 3 '1 rejected' 'malformed'
verdict iso-record-255 3 '1 rejected' 'malformed'
verdict iso-extents 3 '1 rejected' 'malformed'
verdict iso-sector-0 3 '1 rejected' 'malformed'
verdict iso-sector-3 3 '1 rejected' 'malformed'
verdict iso-root-none 3 '1 rejected' 'malformed'
verdict iso-root-4g 3 '1 rejected' 'malformed'
verdict iso-root-far 3 '1 rejected' 'truncated'
verdict iso-joliet 3 '1 rejected' 'malformed'
verdict iso-udf 0 '1 ignored 1 stored' ''
verdict iso-noend 3 '1 rejected' 'malformed'

# No name of a member was ever a path.
ok 'nothing was made beside the archive' test "$(ls | tr '\n' ' ')" = \
	'arch cost err got out '
exits 0 'at least 60 archives in all' mkhostile -l
ok 'are counted' test "$(grep -cE \
	'^(tar|zip|zip64|iso|tgz|gz|bz2|xz|zst|zstd|x)-' out)" -ge 60
finish

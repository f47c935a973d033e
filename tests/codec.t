# codec.t - frames decoded, encoded and cleaned: synthetic images of every make
# through every codec and back, and through the peers; hostile pixel data; the
# corpus against the peers, each difference with its reason.
. "$(dirname "$0")/lib.sh"
need frames mkpixels dcmdjpeg dcmdjpls dcmdrle dcmconv timed

gdcm=
command -v gdcmconv >/dev/null && gdcm=yes
plain=yes
grep -q __asan_init "$O/tools/frames" && plain=

# ---- one image in every native encoding ------------------------------------

# natives NAME SETTING ...: every encoding gives the same frames.
natives()
{
	name=$1
	shift
	for ts in explicit implicit big deflated; do
		mkpixels "$@" ts=$ts >n-$ts || return 1
		mkpixels "$@" ts=$ts planar=1 >p-$ts || return 1
	done
	mkpixels "$@" ts=explicit ob=1 >n-ob || return 1
	frames n-* p-* >seen || return 1
	grep '^[0-9]' seen | LC_ALL=C sort -u >"$name.want"
	test "$(grep -c '^[0-9]' "$name.want")" = "$(grep -c '^[0-9]' seen | awk '{ print $1 / 9 }')"
}

shapes='
m8 frames=3
m1 allocated=1 frames=3
m1x8 allocated=1 rows=16 columns=24 frames=2
m16 allocated=16 frames=2
s16 allocated=16 signed=1
m12 allocated=16 stored=12 frames=2
s12 allocated=16 stored=12 signed=1
odd allocated=16 stored=10 high=12 pi=MONOCHROME1
junk allocated=16 stored=12 junk=1
m32 allocated=32 frames=2
rgb samples=3 pi=RGB frames=3
rgb16 samples=3 allocated=16 pi=RGB
ybr samples=3 pi=YBR_FULL frames=2
half samples=3 rows=16 columns=24 pi=YBR_FULL_422 frames=2
dot rows=1 columns=1
line rows=1 columns=301 allocated=16
wide rows=3 columns=4001
'
echo "$shapes" | while read -r name settings; do
	[ -n "$name" ] && echo "$name $settings"
done >list

while read -r name settings; do
	# shellcheck disable=SC2086
	ok "native, big endian, deflated, planes: $name" \
		natives "$name" $settings
done <list

# ---- through the codecs and back -------------------------------------------

# What a codec cannot hold, and says so.
refused='jpeg:m1 jpeg:m1x8 jpeg:m32 jpegls:m1 jpegls:m1x8 jpegls:m32 j2k:m32
htj2k:m1 htj2k:m1x8 htj2k:m32'

codec()
{
	c=$1
	while read -r name settings; do
		# shellcheck disable=SC2086
		mkpixels $settings >in || return 1
		frames -p -t "$c" -w "$c-$name" in >coded
		rc=$?
		case " $(echo $refused) " in
		*" $c:$name "*)
			[ $rc = 2 ] && grep -q '^1 unsupported ' coded &&
				continue
			echo "$name should be refused" && cat coded && return 1
			;;
		esac
		[ $rc = 0 ] || { echo "$name" && cat coded && return 1; }
		# 4:2:2 comes back with all its samples.
		[ "$name" = half ] && continue
		frames "$c-$name" | grep '^[0-9]' >got
		diff "$name.want" got || { echo "$name" && return 1; }
	done <list
}
for c in rle jpeg jpegls j2k htj2k; do
	ok "through $c and back" codec $c
done
frames rle-half jpeg-half jpegls-half j2k-half htj2k-half | grep '^[0-9]' |
	LC_ALL=C sort -u >half
ok '4:2:2 is widened once and for all' test "$(grep -c YBR_FULL half)" = 2

# ---- the peers decode ours -------------------------------------------------

# peer CODEC COMMAND ...: of all that the codec took.  Not compared: single
# bits, which DCMTK refuses and GDCM makes bytes of.
peer()
{
	c=$1
	shift
	for f in "$c"-*; do
		name=${f#"$c-"}
		case $1:$name:$c in
		*:m1:* | *:m1x8:* | *:half:*) continue ;;
		gdcmconv:rgb16:rle) continue ;; # 3.0.21 gives others
		# It moves the bits down to bit 0.
		gdcmconv:odd:rle | gdcmconv:odd:jpeg) continue ;;
		# It clears them, for these two.
		gdcmconv:junk:rle | gdcmconv:junk:jpeg) cp junk.clear want ;;
		*) cp "$name.want" want ;;
		esac
		rm -f theirs
		"$@" "$f" theirs >log 2>&1 ||
			{ echo "$f: $1" && cat log && return 1; }
		frames theirs | grep '^[0-9]' | awk '{ print $1, $NF }' >got
		awk '{ print $1, $NF }' want | diff - got ||
			{ echo "$f" && return 1; }
	done
}
mkpixels allocated=16 stored=12 junk=1 >junk
frames -c junk | grep '^[0-9]' >junk.clear
mkpixels allocated=16 stored=12 >clear
frames clear | grep '^[0-9]' >clear.want
ok 'bits that are not stored are cleared' cmp junk.clear clear.want
ok 'DCMTK decodes our RLE' peer rle dcmdrle
ok 'DCMTK decodes our JPEG lossless' peer jpeg dcmdjpeg +cn
ok 'DCMTK decodes our JPEG-LS' peer jpegls dcmdjpls
if [ $gdcm ]; then
	for c in rle jpeg jpegls j2k; do
		ok "GDCM decodes our $c" peer $c gdcmconv --raw
	done
else
	skip 'GDCM decodes ours' 'gdcmconv is not here'
fi
# ---- hostile ---------------------------------------------------------------

# verdict NAME ERROR: no frame, for that reason, the program itself at most
# 64 MiB, and 10 s.
verdict()
{
	mkpixels hostile="$1" >"$1" || return 1
	timeout -k 1 60 timed cost frames -s "$1" >seen 2>peak
	rc=$?
	cat seen
	[ $rc = 2 ] || { echo "status $rc" && return 1; }
	grep -q "$2" seen || { echo "not $2" && return 1; }
	[ -z "$plain" ] || { [ "$(tail -n 1 peak)" -le 65536 ] &&
		awk '$2 > 10 { print; exit 1 }' cost; }
}
while read -r name error; do
	ok "$name: $error" verdict "$name" "$error"
	echo "$name" >>judged
done <<'!'
rle-short ^1 truncated.*: ends in its RLE header$
rle-offset ^1 malformed.*: RLE offsets$
rle-cut ^1 truncated.*: an RLE segment ends too early$
rle-segments ^1 malformed.*: 16 RLE segments, 1 are needed$
rle-backwards ^1 malformed.* RLE segments, 1 are needed$
jpeg-tem ^1 malformed.*: a marker where none belongs$
jpeg-larger ^1 malformed.*: coded as 65000 x 65000, .* 64 x 64$
jpeg-empty ^1 malformed.*: coded data is damaged$
jpeg-lossless ^1 malformed.*: cannot be decoded
jpeg-scans ^1 limit.*: more than 200 scans$
jls-larger ^1 malformed.*: coded as 65000 x 65000, .* 64 x 64$
jls-noise ^1 malformed.*: cannot be decoded
jls-bits ^1 malformed.*: coded with 16 bits, .* 8$
j2k-larger ^1 malformed.*: coded as 65000 x 65000, .* 64 x 64$
j2k-tiles ^1 malformed.*: size of tiles$
j2k-parts ^1 malformed.*: coded as 16000 samples, .* 1$
j2k-huge ^1 limit.*: JPEG 2000 of 169000000 samples,
basic-lie 1/16.wrong$
extended-lie 1/8.wrong$
fragments limit.*: more than 1000000 fragments$
pixels limit.*: a frame of 8589672450 bytes
frames 1/2147483647.none$
samples limit.*: a frame of 8388480000000 bytes
bits unsupported.*: 7 bits allocated, packed$
deflated ^1 malformed.*: deflated data does not end with the frame$
frame-of-nothing ^1 truncated.*: ends in its RLE header$
!
# Costs something, and is right: a frame of nothing but zeros.
mkpixels hostile=j2k-layers >j2k-layers
exits 0 'j2k-layers: 65,535 layers' timeout -k 1 60 timed cost \
	frames j2k-layers
[ -z "$plain" ] || ok 'j2k-layers: at most 10 s' awk '$2 > 10 { exit 1 }' cost
echo j2k-layers >>judged
# A decoder that fills up what is missing is no proof of anything.
mkpixels rows=64 columns=64 allocated=16 stored=12 >n12
for c in rle jpeg jpegls j2k htj2k; do
	for x in 4 20 400; do
		frames -t $c -x $x -w cut n12 >/dev/null
		exits 2 "$c: $x bytes are missing at its end" frames cut
	done
done

# The commands over all of them.
mkdir hostile
for h in $(mkpixels hostile=list); do
	mkpixels hostile="$h" >"hostile/$h"
done
exits 2 'imgverify --deep has a verdict on each' timeout -k 1 120 timed cost \
	imgverify --deep -q hostile/*
ok 'one record for each' test "$(wc -l <out)" = "$(mkpixels hostile=list | wc -l)"
[ -z "$plain" ] || ok 'at most 64 MiB and 10 s for all of them' \
	awk '$2 > 10 || $3 > 64 * 1024 { print; exit 1 }' cost
exits 3 'imgexport encodes none of those that lie about frames' \
	timeout -k 1 60 imgexport -q -o lies --as folder --transfer-syntax j2k \
	hostile/frames hostile/basic-lie hostile/extended-lie
ok 'and says so' test "$(grep -c '"code":"truncated".* are there, and ' out)" = 3

mkpixels hostile=list | LC_ALL=C sort >names
LC_ALL=C sort judged >judged.sorted
ok 'each hostile case was judged' cmp names judged.sorted

# ---- no memory --------------------------------------------------------------

# The dictionary comes before; the last requests are those for the frame.
if [ -n "$plain" ] && [ -f "$O/tools/scant.so" ]; then
	phantom one --modality CT --uid 2.25.1 whole.dcm
	# scant K: the Kth request gets none
	scant()
	{
		rm -rf none log
		LD_PRELOAD=$O/tools/scant.so SCANT=memory:$1 SCANT_LOG=$PWD/log \
			imgexport -q --transfer-syntax jpegls -o none whole.dcm \
			>out 2>err
		status=$?
	}
	scant 0
	met=$(perl -e 'read STDIN, my $x, 8; print unpack "Q", $x' <log)
	: >said
	for k in $(seq $((met - 90)) $((met - 10))); do
		scant "$k"
		echo "status $status" >>said
		cat out >>said
	done 2>/dev/null
	ok 'no memory for a frame is told' grep -q 'frame 1: out of memory' said
	grep -E '^status 70|frame 1: ' said | grep -v 'out of memory' >otherwise
	same 'as that and nothing else' otherwise </dev/null
else
	skip 'no memory for a frame is told' 'built with a sanitizer'
	skip 'as that and nothing else' 'built with a sanitizer'
fi
finish

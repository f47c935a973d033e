#!/bin/sh
# run.sh - the bench: each job and its peer in turn, on data made here.
#
#	sh tests/bench/run.sh [part ...]
#
# Parts: inplace copy archive second query million dicomdir export verify codec
# anon peers send recv; without operands all.  $BENCH_SMALL, $BENCH_LARGE and $BENCH_MILLION
# are the numbers of files and rows, $BENCH_ROUNDS how often each pair runs.  A
# time is the median of the rounds, a ratio the median of the ratios of each
# round.
set -u
O=${O:-$(pwd)/build}
here=$(cd "$(dirname "$0")" && pwd)
PATH=$O/bin:$O/tools:$PATH
B=$O/bench
SMALL=${BENCH_SMALL:-20000}
LARGE=${BENCH_LARGE:-2000}
MILLION=${BENCH_MILLION:-1000000}
ROUNDS=${BENCH_ROUNDS:-5}
table=$B/table.md

die()
{
	echo "bench: $*" >&2
	exit 1
}

note()
{
	echo "bench: $*" >&2
}

# ---- measuring ----------------------------------------------------------

median()
{
	sort -n | awk '{ v[NR] = $1 }
		END { if (NR) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# time_of FILE, memory_of FILE: median seconds, greatest MiB.
time_of()
{
	awk '{ print $1 }' "$1" | median
}
memory_of()
{
	awk '$3 > m { m = $3 } END { printf "%.0f", m / 1024 }' "$1"
}

# What all processors have worked so far, whoever for, in ms.
work()
{
	awk '/^cpu / { print ($2 + $3 + $4 + $7 + $8) * 10 }' /proc/stat
}

# must FILE COMMAND: timed, and it must succeed.
must()
{
	worked=$(work)
	timed "$1" sh -c "exec $2" >/dev/null 2>"$B/stderr" || {
		cat "$B/stderr" >&2
		die "failed: $2"
	}
	echo $(($(work) - worked)) >>"$1.work"
}

# pair NAME OURS PEER CLEAN: rounds of both; CLEAN runs before each.
pair()
{
	name=$B/times/$1
	rm -f "$name".*
	i=0
	while [ $i -lt "$ROUNDS" ]; do
		i=$((i + 1))
		note "$1, round $i of $ROUNDS"
		eval "$4" && sync -f "$B"
		must "$name.ours" "$2"
		eval "$4" && sync -f "$B"
		must "$name.peer" "$3"
	done
}

# row JOB NAME UNITS GOAL PEER: one line of the table; the goal is for us/peer.
row()
{
	ours=$(time_of "$B/times/$2.ours")
	peer=$(time_of "$B/times/$2.peer")
	ratio=$(paste -d ' ' "$B/times/$2.ours" "$B/times/$2.peer" |
		awk '{ print $1 / $5 }' | median)
	memory=$(memory_of "$B/times/$2.ours")
	awk -v job="$1" -v o="$ours" -v p="$peer" -v r="$ratio" -v g="$4" \
		-v m="$memory" -v n="$3" -v peer="$5" 'BEGIN {
		r = sprintf(r < 0.1 ? "%.3f" : "%.2f", r)
		printf "| %s | %.2f s (%d/s) | %s: %.2f s | %s | %s | %d MiB |\n",
			job, o, n / o, peer, p, r, g, m
	}' | tee -a "$table" >&2
}

# ---- data ---------------------------------------------------------------

make_data()
{
	mkdir -p "$B/times" || exit 1
	stamp=$B/data.$SMALL.$LARGE
	[ -e "$stamp" ] && return
	note "making $SMALL small and $LARGE large CT under $B"
	rm -rf "$B"/small* "$B"/large* "$B"/data.*
	phantom small "$B/small" "$SMALL" &&
		phantom large "$B/large" "$LARGE" || die 'no data'
	(cd "$B" && tar -cf small.tar small && tar -cf large.tar large &&
		zip -qr -1 small.zip small && zip -qr -1 large.zip large) ||
		die 'no archives'
	sync -f "$B"
	touch "$stamp"
}

warm()
{
	for w; do
		find "$w" -type f -exec cat {} + >/dev/null
	done
}

# What a round has written is put aside and removed at the end: some file
# systems are slow to make files for minutes after many were removed.
free_archive()
{
	for f in "$B/archive" "$B/out"; do
		[ -e "$f" ] || continue
		trash=$((trash + 1))
		mv "$f" "$B/trash/$trash" || exit 1
		[ -z "$tight" ] || rm -rf "$B/trash/$trash"
	done
}

# Whether there is no room for that.
look_for_room()
{
	trash=0 tight=
	rm -rf "$B/trash" && mkdir -p "$B/trash" || exit 1
	need=$((ROUNDS * (LARGE * 33 / 10 + SMALL / 8)))
	have=$(df -m --output=avail "$B" | tail -n 1)
	[ "$have" -gt "$need" ] || {
		note "less than $need MiB free: rounds are removed at once"
		tight=1
	}
}

machine()
{
	echo "$(date +%F), $(nproc) cores of $(sed -n \
		's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)," \
		"$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' \
			/proc/meminfo)," \
		"$(df --output=fstype,source "$B" | awk "NR == 2 { print \$1 \" on \" \$2 }")," \
		"Linux $(uname -r), warm cache, median of $ROUNDS"
}

# ---- the jobs -----------------------------------------------------------

tags='-t 10,20 -t 20,d -t 20,e -t 8,18 -t 8,60 -t 8,20 -t 10,10'

bench_inplace()
{
	warm "$B/small"
	pair inplace \
		"imgimport -q -C $B/archive --in-place $B/small" \
		"gdcmscanner -r -d $B/small $tags" free_archive
	row "catalog $SMALL small CT in place" inplace "$SMALL" '≤ 1.00' \
		'gdcmscanner, 7 tags, no database'
}

copy_pair()
{
	warm "$B/$1"
	pair "copy-$1" \
		"imgimport -q -C $B/archive $B/$1" \
		"sh -c 'cp -r $B/$1 $B/out && sync -f $B/out'" free_archive
}

bench_copy()
{
	copy_pair large
	row "import $LARGE CT of 512×512 ($(du -sm "$B/large" | cut -f 1) MiB)" \
		copy-large "$LARGE" '≤ 1.50' '`cp -r`, `sync -f`'
	copy_pair small
	row "import $SMALL small CT" copy-small "$SMALL" '≤ 3.00' \
		'`cp -r`, `sync -f`'
}

# archive_pair SIZE KIND N
archive_pair()
{
	cat "$B/$1.$2" >/dev/null
	pair "$2-$1" \
		"imgimport -q -C $B/archive $B/$1.$2" \
		"sh -c 'mkdir $B/out && bsdtar -xf $B/$1.$2 -C $B/out && sync -f $B/out'" \
		free_archive
	row "import $3 $1 CT from $2" "$2-$1" "$3" '≤ 1.50' \
		'`bsdtar -xf`, `sync -f`'
}

bench_archive()
{
	for kind in zip tar; do
		archive_pair small $kind "$SMALL"
		archive_pair large $kind "$LARGE"
	done
}

# The second run over unchanged inputs; the peer is the first run.
bench_second()
{
	warm "$B/small"
	rm -f "$B"/times/second.*
	i=0
	while [ $i -lt "$ROUNDS" ]; do
		i=$((i + 1))
		note "second, round $i of $ROUNDS"
		free_archive && sync -f "$B"
		must "$B/times/second.peer" "imgimport -q -C $B/archive $B/small"
		must "$B/times/second.ours" "imgimport -q -C $B/archive $B/small"
	done
	row "import $SMALL small CT once more" second "$SMALL" '< 0.10' \
		'the first time'
	free_archive
}

# best NAME COMMAND: 21 runs of a short command; milliseconds, median.
short()
{
	rm -f "$B/times/$1.ours"
	i=0
	while [ $i -lt 21 ]; do
		i=$((i + 1))
		# shellcheck disable=SC2086 # words of a command
		timed "$B/times/$1.ours" $2 >/dev/null 2>"$B/stderr" </dev/null
		case $? in
		0 | 1) ;;
		*) cat "$B/stderr" >&2; die "failed: $2" ;;
		esac
	done
}

short_row()
{
	awk -v job="$1" -v o="$(time_of "$B/times/$2.ours")" -v g="$3" \
		-v m="$(memory_of "$B/times/$2.ours")" 'BEGIN {
		printf "| %s | %.1f ms | | | %s | %d MiB |\n", job, o * 1000, g, m
	}' | tee -a "$table" >&2
}

make_million()
{
	[ -e "$B/million.$MILLION" ] && return
	note "filling a catalog with $MILLION instances"
	rm -rf "$B"/million*
	phantom one "$B/one.dcm"
	imgimport -q -C "$B/million" "$B/one.dcm" >/dev/null || die 'no archive'
	fill "$B/million" "$MILLION" >&2 || die 'fill failed'
	sync -f "$B"
	touch "$B/million.$MILLION"
}

bench_query()
{
	make_million
	rm -rf "$B/empty" "$B/one.dcm"
	phantom one "$B/one.dcm"
	imgimport -q -C "$B/empty" "$B/one.dcm" >/dev/null || die 'no archive'
	patient=$(imgquery -C "$B/million" -l patient --limit 1000 \
		--format jsonl | sed -n '$s/.*"PatientID":"\([^"]*\)".*/\1/p')
	[ -n "$patient" ] || die 'no patient'
	short empty "imgquery -C $B/empty PatientID=NOBODY"
	short_row 'start of imgquery, one instance in the catalog' empty '≤ 10 ms'
	short one "imgquery -C $B/million PatientID=$patient"
	short_row "imgquery of one patient among $MILLION instances" one '≤ 15 ms'
}

# Import into a catalog of a million; the peer is an empty one.
bench_million()
{
	make_million
	warm "$B/small"
	for kind in '' --in-place; do
		name=million$kind
		rm -f "$B/times/$name".*
		i=0
		while [ $i -lt "$ROUNDS" ]; do
			i=$((i + 1))
			note "$name, round $i of $ROUNDS"
			free_archive && cp -r "$B/million" "$B/archive" &&
				sync -f "$B"
			must "$B/times/$name.ours" \
				"imgimport -q $kind -C $B/archive $B/small"
			free_archive && sync -f "$B"
			must "$B/times/$name.peer" \
				"imgimport -q $kind -C $B/archive $B/small"
		done
		row "import $SMALL small CT into $MILLION instances${kind:+, in place}" \
			"$name" "$SMALL" '≤ 1.25' 'into none'
	done
	free_archive
}

# A DICOMDIR of 2,000 objects; dcmmkdir wants them under their file IDs.
bench_dicomdir()
{
	rm -rf "$B/set" "$B/two" && phantom small "$B/two" 2000 &&
		sh -c "mkmedia $B/set \$(find $B/two -type f | sort)" \
			>/dev/null || die 'no file-set'
	warm "$B/set"
	pair dicomdir \
		"sh -c 'mkmedia -d $B/out \$(find $B/set/DICOM -type f | sort)'" \
		"sh -c 'cd $B/set && dcmmkdir -q +r +id . DICOM'" \
		"free_archive; rm -f $B/set/DICOMDIR"
	row 'DICOMDIR of 2000 objects' dicomdir 2000 '≤ 1.00' 'dcmmkdir'
	rm -rf "$B/set" "$B/two"
}

# Exports of what lies in an archive; the proof has a row of its own, whose
# peer is the same export without it.
bench_export()
{
	command -v xorriso >/dev/null && command -v dcmmkdir >/dev/null || {
		note 'no xorriso or no dcmmkdir'
		return
	}
	rm -rf "$B/exported" "$B/from"
	imgimport -q --in-place -C "$B/from" "$B/large" >/dev/null || die 'no archive'
	warm "$B/large"
	clean='rm -rf "$B/exported" "$B"/out.*'
	export_="imgexport -q -C $B/from -o $B/exported $B/large"
	pair iso "$export_ --as iso --no-verify" \
		"sh -c 'xorriso -as mkisofs -quiet -R -J -o $B/out.iso $B/large 2>/dev/null && sync -f $B/out.iso'" \
		"$clean"
	row "ISO of $LARGE CT ($(du -sm "$B/large" | cut -f 1) MiB), written" \
		iso "$LARGE" '≤ 1.20' '`xorriso -as mkisofs -R -J`, `sync -f`'
	pair iso-proof "$export_ --as iso" "$export_ --as iso --no-verify" \
		"$clean"
	row 'the same, read again and compared' iso-proof "$LARGE" '≤ 2.00' \
		'written only'
	pair zip-store "$export_ --as zip --no-verify" \
		"sh -c 'bsdtar --format zip --options zip:compression=store -cf $B/out.zip $B/large && sync -f $B/out.zip'" \
		"$clean"
	row "ZIP of $LARGE CT, stored" zip-store "$LARGE" '≤ 1.20' \
		'`bsdtar --format zip`, stored, `sync -f`'
	rm -rf "$B/exported" "$B/from"
	note 'an archive of small objects'
	imgimport -q -C "$B/from" "$B/small" >/dev/null || die 'no archive'
	imgquery -C "$B/from" -l study >"$B/studies" || die 'no studies'
	warm "$B/from/objects"
	pair links "sh -c 'imgexport -q -C $B/from --link -o $B/exported <$B/studies'" \
		"cp -rl $B/from/objects $B/exported" "$clean"
	row "folder of $SMALL small CT by hard links" links "$SMALL" \
		'≥ 10,000/s' '`cp -rl`'
	rm -rf "$B/exported" "$B/from"
}

# Ten times the large CT, nine of them with UIDs of their own and a hole for
# their pixels; the peer has as many processes as there are processors, and its
# files in memory.
make_holes()
{
	[ -e "$B/holes.$LARGE" ] && return
	rm -rf "$B"/holes*
	perl -e 'my ($from, $to) = @ARGV;
		mkdir $to;
		for my $f (glob "$from/*/*") {
			open F, "<", $f or die;
			read F, my $h, 65536;
			$h = substr $h, 0, index($h, "\xe0\x7f\x10\x00OW\0\0") + 12;
			my ($uid) = $h =~ /\x03\x00UI..([0-9.]+)/s or die;
			my ($dir, $name) = $f =~ m,([^/]*)/([^/]*)$,;
			for my $k (1 .. 9) {
				my ($new, $all) = ($uid, $h);
				substr($new, 6, 2) = 10 + $k;
				$all =~ s/\Q$uid\E/$new/g;
				mkdir "$to/$dir-$k";
				open F, ">", "$to/$dir-$k/$name" or die;
				print F $all;
				truncate F, -s $f;
				close F or die;
			}
		}' "$B/large" "$B/holes" || die 'no files with holes'
	touch "$B/holes.$LARGE"
}

bench_verify()
{
	make_holes
	rm -rf "$B/from"
	imgimport -q --in-place -C "$B/from" "$B/large" "$B/holes" \
		>/dev/null || die 'no archive'
	find "$B/large" "$B/holes" -type f -print0 >"$B/files"
	pair verify "imgverify -q -j $(nproc) -C $B/from --all" \
		"xargs -0 -a $B/files -P $(nproc) -n 200 b2sum -l 256" :
	row "verify $((LARGE * 10)) CT of 512×512 ($(du -cm --apparent-size \
		"$B/large" "$B/holes" | tail -n 1 | cut -f 1) MiB), from the disk" \
		verify "$((LARGE * 10))" '≤ 1.25' \
		"\`b2sum\`, $(nproc) processes, from memory"
	rm -rf "$B/from" "$B/files"
}

# 200 frames of 512 x 512, decoded: ours in the jail and hashed, the peer's
# written to a file.
bench_codec()
{
	command -v dcmdjpls >/dev/null && command -v gdcmconv >/dev/null || {
		note 'no dcmdjpls or no gdcmconv'
		return
	}
	mkpixels rows=512 columns=512 allocated=16 stored=12 frames=200 \
		>"$B/frames.dcm" || die 'no frames'
	for c in rle jpeg jpegls j2k; do
		case $c in
		rle) peer=dcmdrle ;;
		jpeg) peer=dcmdjpeg ;;
		jpegls) peer=dcmdjpls ;;
		j2k) peer='gdcmconv --raw' ;;
		esac
		frames -t $c -w "$B/frames.$c" "$B/frames.dcm" >/dev/null ||
			die "not encoded: $c"
		pair "codec-$c" "frames $B/frames.$c" \
			"$peer $B/frames.$c $B/frames.out" :
		row "200 frames of $c, decoded" "codec-$c" 200 '≤ 2.00' "$peer"
	done
	rm -f "$B"/frames.*
}

# De-identifying; the peers blank some attributes, or only copy.
bench_anon()
{
	rm -f "$B/key"
	imganon --new-key "$B/key" || die 'no key'
	warm "$B/small"
	pair anon-small \
		"imganon -q --key $B/key -o $B/out $B/small" \
		"sh -c 'mkdir $B/out && gdcmanon --dumb --empty 10,10 --empty 10,20 --empty 10,30 --remove 8,50 --empty 8,80 --remove 8,81 --empty 8,90 -r -i $B/small -o $B/out'" \
		free_archive
	row "de-identify $SMALL small CT" anon-small "$SMALL" '≤ 0.20' \
		'`gdcmanon --dumb`, 7 tags, not synced'
	pair anon-copy \
		"imganon -q --key $B/key -o $B/out $B/small" \
		"sh -c 'cp -r $B/small $B/out && sync -f $B/out'" free_archive
	row "de-identify $SMALL small CT" anon-copy "$SMALL" '' \
		'`cp -r`, `sync -f`'
	warm "$B/large"
	pair anon-large \
		"imganon -q --key $B/key -o $B/out $B/large" \
		"sh -c 'cp -r $B/large $B/out && sync -f $B/out'" free_archive
	row "de-identify $LARGE CT of 512×512" anon-large "$LARGE" '≤ 2.00' \
		'`cp -r`, `sync -f`'
	bench_anon_big
}

# One object of 4 GiB less a little, most of it a hole.
bench_anon_big()
{
	[ "$(df -m --output=avail "$B" | tail -n 1)" -gt 20000 ] || {
		note 'no room for objects of 4 GiB'
		return 0
	}
	mkpixels rows=1024 columns=1024 allocated=16 >"$B/one.dcm" &&
		perl -e 'local $/; open my $f, "<", $ARGV[0] or die;
			my $h = <$f>;
			$h = substr $h, 0, index($h, "\xe0\x7f\x10\x00OW");
			$h =~ s/\x28\x00\x08\x00IS\x02\x001 /\x28\x00\x08\x00IS\x04\x002047/
				or die;
			print $h, "\xe0\x7f\x10\x00OW\0\0", pack "V", 2047 << 21' \
			"$B/one.dcm" >"$B/big.dcm" &&
		truncate -s +$((2047 << 21)) "$B/big.dcm" || die 'no big object'
	rounds=$ROUNDS ROUNDS=1
	pair anon-big \
		"imganon -q --key $B/key --mask 0,0,99,99 -o $B/out $B/big.dcm" \
		"sh -c 'mkdir $B/out && cp --sparse=never $B/big.dcm $B/out && sync -f $B/out'" \
		'free_archive && rm -rf "$B"/trash/*'
	row 'de-identify and mask 2,047 frames, 4 GiB' anon-big 2047 \
		'≤ 64 MiB' '`cp`, `sync -f`'
	ROUNDS=$rounds
	free_archive
	rm -rf "$B"/trash/* "$B/big.dcm"
}

# What others take for the same; one round, only for the comparison.
bench_peers()
{
	rounds=$ROUNDS
	ROUNDS=1
	bench_pydicom
	bench_orthanc
	ROUNDS=$rounds
}

bench_pydicom()
{
	/usr/bin/python3 -c 'import pydicom' 2>/dev/null ||
		sh "$here/../deps.sh" python3-pydicom >&2 || return 0
	cat >"$B/headers.py" <<'!'
import os, sys, pydicom
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        d = pydicom.dcmread(os.path.join(folder, name), stop_before_pixels=True)
        (d.PatientID, d.StudyInstanceUID, d.SeriesInstanceUID,
         d.SOPInstanceUID, d.Modality, d.StudyDate, d.PatientName)
!
	warm "$B/small"
	pair pydicom \
		"imgimport -q -C $B/archive --in-place $B/small" \
		"/usr/bin/python3 $B/headers.py $B/small" free_archive
	row "catalog $SMALL small CT in place" pydicom "$SMALL" '' \
		'pydicom, 7 tags, no database'
}

# With orthanc.json; its process is $orthanc.
orthanc_start()
{
	Orthanc "$B/orthanc.json" >/dev/null 2>&1 &
	orthanc=$!
	until curl -sf http://127.0.0.1:48042/system >/dev/null; do
		kill -0 $orthanc 2>/dev/null || die 'no Orthanc'
		sleep 0.2
	done
}

# Only where Orthanc is installed already: its package starts a server.
bench_orthanc()
{
	command -v Orthanc >/dev/null && command -v curl >/dev/null || return 0
	cat >"$B/orthanc.json" <<!
{ "StorageDirectory": "$B/orthanc", "IndexDirectory": "$B/orthanc",
  "HttpPort": 48042, "DicomServerEnabled": false, "Plugins": [],
  "AuthenticationEnabled": false }
!
	for size in small large; do
		find "$B/$size" -type f | LC_ALL=C sort | sed \
			's|.*|next\nurl = http://127.0.0.1:48042/instances\ndata-binary = @&\noutput = /dev/null|' |
			sed 1d >"$B/$size.curl"
		rm -rf "$B/orthanc" && mkdir "$B/orthanc"
		orthanc_start
		pair "orthanc-$size" \
			"imgimport -q -C $B/archive $B/$size" \
			"curl -sf --parallel --parallel-max 4 -K $B/$size.curl" \
			free_archive
		kill $orthanc && wait $orthanc
		[ $size = small ] && n=$SMALL || n=$LARGE
		row "import $n $size CT" "orthanc-$size" "$n" '' \
			'Orthanc, REST, 4 connections'
	done
	rm -rf "$B/orthanc"
}

# What the network costs, on loopback; the peers are as they come from Debian.
# What they store goes to memory where there is room for it, the same for both
# senders: a disk would only hide what the senders do.
bench_send()
{
	command -v storescp >/dev/null || return 0
	rm -rf "$B/net" && mkdir -p "$B/net/got"
	shm=$(df -m --output=avail /dev/shm 2>/dev/null | tail -n 1)
	if [ "${shm:-0}" -gt 1000 ] && shm=$(mktemp -d /dev/shm/imgbench.XXXXXX)
	then
		rm -rf "$B/net" && ln -s "$shm" "$B/net" && mkdir "$B/net/got"
	else
		shm=
	fi
	for size in small large; do
		mkdir "$B/net/$size"
		find "$B/$size" -type f | LC_ALL=C sort | head -n 200 |
			xargs -I @ cp @ "$B/net/$size/"
	done
	storescp -od "$B/net/got" --ignore 48104 >/dev/null 2>&1 &
	scp=$!
	sleep 1
	for size in small large; do
		n=$(find "$B/net/$size/" -type f | wc -l)
		pair "send-$size" \
			"imgsend -q -C $B/net/none -c S@127.0.0.1:48104 $B/net/$size" \
			"dcmsend -nh +sd +r 127.0.0.1 48104 $B/net/$size" :
		row "send $n $size CT to storescp" "send-$size" "$n" \
			'≤ 0.10' 'dcmsend'
	done
	kill $scp && wait $scp
	if command -v Orthanc >/dev/null; then
		bench_send_orthanc
	fi
	rm -rf "$B/net" ${shm:+"$shm"}
}

# Its processor time is told, too: nobody can be faster than it is.
bench_send_orthanc()
{
	mkdir "$B/net/orthanc"
	cat >"$B/orthanc.json" <<!
{ "StorageDirectory": "$B/net/orthanc", "IndexDirectory": "$B/net/orthanc",
  "HttpPort": 48042, "DicomPort": 48105, "Plugins": [],
  "OverwriteInstances": true, "AuthenticationEnabled": false }
!
	orthanc_start
	for size in small large; do
		n=$(find "$B/net/$size/" -type f | wc -l)
		send="imgsend -q -C $B/net/none -c O@127.0.0.1:48105 $B/net/$size"
		pair "orthanc-send-$size" "$send" \
			"storescu -aec O +sd 127.0.0.1 48105 $B/net/$size" :
		row "send $n $size CT to Orthanc" "orthanc-send-$size" "$n" \
			'≤ 0.20' 'storescu'
		before=$(cpu_of $orthanc)
		must "$B/times/orthanc-cpu" "$send"
		note "Orthanc itself: $((($(cpu_of $orthanc) - before) * 10000 / n)) us of processor time for each"
	done
	kill $orthanc && wait $orthanc
}

# Processor time of a process so far, in ticks of 10 ms.
cpu_of()
{
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# Four dcmsend's that send what is under net/part0 to net/part3 to the port
# that the file named says.
four()
{
	cat >"$B/net/four" <<!
for i in 0 1 2 3; do
	dcmsend -aec IMGRECV +sd -nh 127.0.0.1 \$(cat \$1) $B/net/part\$i &
	p="\$p \$!"
done
for i in \$p; do wait \$i || exit 1; done
!
}

end_servers()
{
	for p in ${scp:-} ${rcv:-}; do
		kill "$p" && wait "$p"
	done
	unset scp rcv
} 2>/dev/null

# fresh PEER COMMAND: at a port of its own, until it listens.
fresh()
{
	ports=$((${ports:-24200} + 1))
	server=$1
	shift
	"$@" $ports >"$B/net/$server.out" 2>&1 &
	eval "$server=$!"
	echo $ports >"$B/net/$server.port"
	tries=0
	until echoscu -aec IMGRECV 127.0.0.1 $ports >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 50 ] || die "$server does not listen"
		sleep 0.2
	done
}

# Nothing that comes is there already.
recv_fresh()
{
	end_servers
	free_archive
	mkdir "$B/out"
	fresh scp env TCP_NODELAY=1 storescp --fork -od "$B/out"
	fresh rcv imgrecv -q -C "$B/archive" -p
}

# What the disk takes for as many files, durable before the next one of four.
durable()
{
	cat >"$B/net/durable" <<!
for i in 0 1 2 3; do
	synced $B/out $B/net/part\$i/* &
	p="\$p \$!"
done
for i in \$p; do wait \$i || exit 1; done
!
}

# least_of SIZE: what the processors cannot do less for a listener that is
# durable: the same senders and a peer that is not, and the files synced.  On a
# quiet machine only.
least_of()
{
	t=$B/times/recv
	scp_=$(median <"$t-$1.peer.work")
	synced_=$(median <"$t-synced-$1.peer.work")
	note "ms of work of $(nproc) processors: imgrecv and the senders $(median <"$t-$1.ours.work")," \
		"storescp and the senders $scp_, the files synced alone $synced_:" \
		"at least $(((${scp_%.*} + ${synced_%.*}) / $(nproc))) ms for both"
}

# Four associations at a time into imgrecv, durable; the peer is not.
bench_recv()
{
	command -v storescp >/dev/null || return 0
	for size in small large; do
		rm -rf "$B/net" && mkdir -p "$B/net" && four && durable
		[ $size = small ] && n=2000 || n=400
		for i in 0 1 2 3; do mkdir "$B/net/part$i"; done
		find "$B/$size" -type f | LC_ALL=C sort | head -n $n |
			awk '{ print NR % 4, NR, $0 }' | while read -r i k f; do
			ln "$f" "$B/net/part$i/$k.dcm"
		done
		n=$(find "$B/net" -name '*.dcm' | wc -l)
		pair "recv-$size" \
			"env TCP_NODELAY=1 sh $B/net/four $B/net/rcv.port" \
			"env TCP_NODELAY=1 sh $B/net/four $B/net/scp.port" \
			recv_fresh
		end_servers
		row "receive $n $size CT, 4 associations" "recv-$size" "$n" \
			'≤ 1.00' 'storescp, TCP_NODELAY=1, not durable'
		pair "recv-synced-$size" \
			"env TCP_NODELAY=1 sh $B/net/four $B/net/rcv.port" \
			"sh $B/net/durable" recv_fresh
		end_servers
		row "the same" "recv-synced-$size" "$n" '' \
			'files written and synced one by one, 4 processes, no network'
		least_of "$size"
	done
	bench_forward
	rm -rf "$B/net"
}

# The same bytes over four bare sockets into files, as nc would do it.
cat_over_sockets()
{
	cat <<'!'
use IO::Socket::INET;
my ($out, @folders) = @ARGV;
my ($block, $got, @children) = 1 << 18;
for my $folder (@folders) {
	my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
		or die;
	my $to = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		PeerPort => $l->sockport) or die;
	my $from = $l->accept or die;
	my $n = @children;
	if (!($children[@children] = fork)) {
		close $to;
		open my $f, '>', "$out/$n" or die;
		syswrite $f, $got while sysread $from, $got, $block;
		exit 0;
	}
	if (!($children[@children] = fork)) {
		close $from;
		for my $name (glob "$folder/*") {
			open my $f, '<', $name or die;
			syswrite $to, $got while sysread $f, $got, $block;
		}
		exit 0;
	}
}
for (@children) { waitpid $_, 0; $? and die }
!
}

# What the way into the archive costs beside a bare one; a report.
bench_forward()
{
	command -v perl >/dev/null || return 0
	cat_over_sockets >"$B/net/sockets.pl"
	mb=$(du -smc "$B"/net/part? | tail -n 1 | cut -f 1)
	pair forward \
		"imgsend -q -C $B/net/none -j 4 -c IMGRECV@127.0.0.1:\$(cat $B/net/rcv.port) $B/net/part0 $B/net/part1 $B/net/part2 $B/net/part3" \
		"perl $B/net/sockets.pl $B/out $B/net/part0 $B/net/part1 $B/net/part2 $B/net/part3" \
		'recv_fresh; rm -rf "$B/net/none"'
	end_servers
	row "\`imgsend -j 4\` to imgrecv, $n CT ($mb MiB)" forward "$n" '' \
		'bare sockets into files, 4 at a time'
}

trap end_servers EXIT

# ---- all ----------------------------------------------------------------

command -v gdcmscanner >/dev/null || sh "$here/../deps.sh" libgdcm-tools >&2 ||
	die 'no gdcmscanner'
make_data
look_for_room
{
	machine
	echo
	echo '| job | imgtools | peer | ratio | goal | memory |'
	echo '|---|---|---|---|---|---|'
} | tee "$table" >&2
[ $# -gt 0 ] || set -- inplace copy archive second query million dicomdir \
	export verify codec anon peers send recv
for part; do
	"bench_$part"
done
free_archive
rm -rf "$B/trash"
echo
cat "$table"

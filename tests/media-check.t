# media-check.t - volumes, media that are not what they say, and the corpus.
. "$(dirname "$0")/lib.sh"
need dcmdump dcmodify dciodvfy perl

one()
{
	file_=$1 n_=$2
	shift 2
	phantom one --study 2.25.10 --series 2.25.11 --uid "2.25.$n_" \
		--instance "$n_" --modality CT "$@" "$file_"
}
# What dciodvfy finds wrong; it takes for type 1 what is 1C in PS3.3 F.5.27.
clean()
{
	! dciodvfy "$1/DICOMDIR" 2>&1 | grep -a '^Error\|^Abort' |
		grep -av '=<ReferencedImageEvidenceSequence>'
}
mkdir in
for n in 1 2 3 4 5 6; do
	one in/$n $n --series 2.25.1$((n / 3)) --rows 512 --cols 256
done

# ---- volumes ---------------------------------------------------------------

# An object takes 263 kB, the series have two, three and one of them.
exits 0 'volumes of 1.3 MB' mkmedia -f SET -x 1300K v in/*
same 'a series stays together' out <<'!'
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE
0 DICOM/P00001/ST00001/SE00001/IM00002 IMAGE
1 DICOM/P00001/ST00001/SE00002/IM00001 IMAGE
1 DICOM/P00001/ST00001/SE00002/IM00002 IMAGE
1 DICOM/P00001/ST00001/SE00002/IM00003 IMAGE
2 DICOM/P00001/ST00001/SE00003/IM00001 IMAGE
!
for n in 1 2 3; do
	ok "volume $n is a set of its own" mkmedia -c -p STD-GEN-CD v.$n
	ok '- that dciodvfy finds no error in' clean v.$n
	ok '- with a label of its own' sh -c \
		"dcmdump +P 0004,1130 v.$n/DICOMDIR | grep -q '\[SET_$n\]'"
	ok '- and says so' grep -q "^Volume $n of 3" v.$n/README.TXT
	ok '- as an ISO image it is no larger' sh -c \
		"xorriso -as mkisofs -quiet -R -J -o v.iso v.$n 2>/dev/null &&
			test \$(wc -c <v.iso) -le 1331200"
done
phantom small few 300 >/dev/null
# shellcheck disable=SC2046
exits 0 'small objects' mkmedia -w -x 1500K few_ $(find few -type f | sort)
ok 'are on three volumes' test -d few_.3
for n in 1 2 3; do
	ok "as an ISO image volume $n is no larger" sh -c \
		"xorriso -as mkisofs -quiet -R -J -o v.iso few_.$n 2>/dev/null &&
			test \$(wc -c <v.iso) -le 1536000"
done
exits 0 'a series larger than a volume' mkmedia -f ABCDEFGHIJKLMNOP -x 1000K w in/3 in/4 in/5
same 'is on two' out <<'!'
0 DICOM/P00001/ST00001/SE00001/IM00001 IMAGE
0 DICOM/P00001/ST00001/SE00001/IM00002 IMAGE
1 DICOM/P00001/ST00001/SE00001/IM00003 IMAGE
!
ok 'a label has 16 characters' sh -c \
	'dcmdump +P 0004,1130 w.2/DICOMDIR | grep -q "\[ABCDEFGHIJKLMN_2\]"'
exits 0 'an object larger than a volume' mkmedia -x 600K x in/1
same 'is refused' out <<'!'
refused limit: larger than a volume
!

# ---- media that are not what they say --------------------------------------

# broken TEXT: what is found on m, after it was changed
fresh()
{
	rm -rf m && mkmedia m in/1 in/2 in/3 >/dev/null
}
broken()
{
	mkmedia -c -p STD-GEN-CD m >got
	echo "status $?" >>got
	# Files come as the folder has them.
	sed 's/truncated \([^:]*\):.*/truncated \1/' got |
		perl -e '@l = <>; print grep(!/^(unl|layout)/, @l[0 .. $#l - 1]),
			sort(grep(/^(unl|layout)/, @l)), $l[-1]' >got_
	same "$1" got_
}
S=DICOM/P00001/ST00001
fresh
broken 'nothing is wrong' <<'!'
status 0
!
rm m/$S/SE00001/IM00002
broken 'a file is missing' <<!
missing 5 $S/SE00001/IM00002 - listed, and not there
status 1
!
fresh && one m/$S/SE00001/IM00003 9
broken 'a file is not listed' <<!
unlisted 0 $S/SE00001/IM00003 - no record refers to it
status 1
!
fresh && mv m/$S/SE00001/IM00001 t && mv m/$S/SE00002/IM00001 m/$S/SE00001/ &&
	mv t m/$S/SE00002/IM00001
broken 'two files have changed places' <<!
mismatch 4 $S/SE00001/IM00001 (0004,1511) another SOP instance
mismatch 4 $S/SE00001/IM00001 (0020,000e) listed in another series
mismatch 7 $S/SE00002/IM00001 (0004,1511) another SOP instance
mismatch 7 $S/SE00002/IM00001 (0020,000e) listed in another series
status 1
!
fresh && dcmodify -q -nb -m 0010,0020=OTHER m/$S/SE00002/IM00001
broken 'a file of another patient' <<!
mismatch 7 $S/SE00002/IM00001 (0010,0020) listed under another patient
status 1
!
fresh && dcmconv -q +ti m/$S/SE00002/IM00001 m/$S/SE00002/IM00001
broken 'another transfer syntax' <<!
mismatch 7 $S/SE00002/IM00001 (0004,1512) another transfer syntax
status 1
!
fresh && head -c 5000 m/$S/SE00002/IM00001 >t && mv t m/$S/SE00002/IM00001
broken 'a file that was cut' <<!
truncated $S/SE00002/IM00001
status 0
!
fresh && echo text >m/$S/SE00002/IM00001
broken 'a file that is no image any more' <<!
mismatch 7 $S/SE00002/IM00001 - listed, and no DICOM file
status 1
!
fresh && rm m/README.TXT && echo x >m/long-name.html && mkdir m/IHE_PDI &&
	one m/IHE_PDI/A 9
broken 'what PDI wants' <<!
layout 0 - - no INDEX.HTM
layout 0 - - no README.TXT
layout 0 IHE_PDI/A - a DICOM file in IHE_PDI
layout 0 long-name.html - its name is not 8.3
unlisted 0 IHE_PDI/A - no record refers to it
status 1
!
fresh && head -c 900 m/DICOMDIR >t && mv t m/DICOMDIR
broken 'a DICOMDIR that was cut' <<!
truncated DICOMDIR
chain 0 - - an offset leads to no record
unlisted 0 $S/SE00001/IM00001 - no record refers to it
unlisted 0 $S/SE00001/IM00002 - no record refers to it
unlisted 0 $S/SE00002/IM00001 - no record refers to it
status 1
!
# offset RECORD TAG VALUE: changes the n-th offset of that tag
offset()
{
	perl -e '
		my ($n, $e, $v) = @ARGV;
		open my $f, "+<", "m/DICOMDIR" or die; binmode $f; undef $/;
		my $t = <$f>; my $i = 0;
		while ($t =~ /\x04\x00\Q@{[pack "v", hex $e]}\EUL\x04\x00/g) {
			next if ++$i != $n;
			seek $f, pos $t, 0;
			print $f pack "V", $v eq "self" ? (pos $t) - 16 : $v;
		}' "$@"
}
fresh && offset 1 1400 self
broken 'a record that is its own next' <<!
chain 0 - - a record is reached twice
status 1
!
fresh && offset 3 1420 1
broken 'an offset that leads nowhere' <<!
chain 3 - - an offset leads to no record
chain 4 $S/SE00001/IM00001 - no chain leads to the record
chain 5 $S/SE00001/IM00002 - no chain leads to the record
status 1
!
fresh && perl -0777 -i -pe 's/(\x20\0\x10\0SH\x02\0)1 /$1  /; s/STUDY /SERIES/' m/DICOMDIR
broken 'records that lack keys and are in a wrong place' <<!
record 2 - - in a wrong place of the directory
record 2 - (0008,0060) a key is missing
record 2 - (0020,000e) a key is missing
record 2 - (0020,0011) a key is missing
record 3 - - in a wrong place of the directory
record 6 - - in a wrong place of the directory
mismatch 7 $S/SE00002/IM00001 (0020,000e) listed in another series
status 1
!

# ---- the corpus ------------------------------------------------------------

if [ -d "$CORPUS" ]; then
	find "$CORPUS" -type f -print0 | LC_ALL=C sort -z >all
	exits 0 'the corpus' sh -c 'xargs -0 -a all mkmedia c'
	n=$(grep -c '^0 .* *$' out)
	ok 'most of it has a place' test "$n" -gt 700
	ok 'each input is told of' test "$(tr '\0' '\n' <all | wc -l)" = \
		"$(grep -c '^0 \|^refused' out)"
	ok 'nothing is invented: only these sources' sh -c \
		'! grep "^  key" out | grep -v " \(AccessionNumber\|StudyInstanceUID\|ReferencedFileID\|SOPClassUID\|[A-Za-z]*Date\|[A-Za-z]*Time\|PatientIdentityRemoved\) "'
	ok 'it is as it should be' mkmedia -c -p STD-GEN-CD c
	ok 'dciodvfy finds no error' clean c
	ok 'dcmdump reads it' dcmdump -q +P 0004,1500 c/DICOMDIR
	dcmdump +P 0004,1500 c/DICOMDIR | perl -ne \
		'if (/\[(.*)\]/) { $_ = $1; tr{\\}{/}; print "$_\n" }' | sort >ids
	(cd c && find DICOM -type f | sort) >files
	ok 'lists the files and only those' cmp ids files
	for p in STD-GEN-DVD-JPEG STD-GEN-USB-J2K STD-CTMR-CD any; do
		rm -rf c && xargs -0 -a all mkmedia -d -p $p c >/dev/null
		dciodvfy c/DICOMDIR 2>&1 | grep -a '^Error' |
			grep -av 'ReferencedImageEvidence\|Illegal root' >got
		ok "$p: dciodvfy finds no error" test ! -s got
	done
	rm -rf c
	imganon -0 -q -o anon --pixels keep <all >/dev/null 2>&1
	find anon -type f -print0 | LC_ALL=C sort -z >some
	exits 0 'what was de-identified' sh -c 'xargs -0 -a some mkmedia c'
	ok 'goes through' sh -c '! grep "^refused" out |
		grep -v "lossy frames of\|no directory record\|no valid StudyInstanceUID\|listed\|(0008,0060)\|(300a,0002)\|(3004,000a)\|(0010,0020)"'
	ok 'and is as it should be' mkmedia -c -p STD-GEN-CD c
	ok 'dciodvfy finds no error' clean c
else
	skip 'the corpus' 'corpus absent'
fi

finish

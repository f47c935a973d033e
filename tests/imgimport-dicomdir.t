# imgimport-dicomdir.t - a DICOMDIR is evidence: names that vary, what is
# absent and what is not listed, and DICOMDIRs that are wrong themselves.
. "$(dirname "$0")/lib.sh"
. "$TOP/tests/archive.sh"
need dcmmkdir perl zip genisoimage

new()
{
	chmod -R u+rwX arch 2>/dev/null
	rm -rf arch
}

# made DIR: a disc with four images that its DICOMDIR lists
made()
{
	chmod -R u+w "$1" 2>/dev/null
	rm -rf "$1" && mkdir -p "$1/A/B"
	for i in 1 2; do
		img "$1/A/IM$i" $i --modality CT
		img "$1/A/B/IM$i" $((i + 2)) --modality CT
	done
	(cd "$1" && dcmmkdir -q +r +id .) 2>/dev/null
}
made d || skip_all 'dcmmkdir makes no DICOMDIR of these'

# What is not listed comes in the order in which it was found.
evidence()
{
	perl -ne 'next unless
		/^{"status":"(\w+)","path":"([^"]*)","reason":"DICOMDIR",(.*)}$/;
		my $e = "$1 $2 $3\n";
		$e =~ s/("unlistedFiles":)\[(.*?)\]/"$1\[" .
			join(",", sort split m{,}, $2) . "]"/e;
		print $e' out
}

exits 0 'a disc' import d
evidence >got
same 'all is there' got <<!
ignored d/DICOMDIR "listed":4,"absent":0,"unlisted":0
!
exits 0 'by its DICOMDIR' import d/DICOMDIR
sort out >two
brief two >got
same 'the same' got <<!
duplicate d/A/B/IM1
duplicate d/A/B/IM2
duplicate d/A/IM1
duplicate d/A/IM2
ignored d/DICOMDIR
!
exits 0 'from inside' sh -c 'cd d && imgimport -q -C ../arch DICOMDIR'
ok 'is taken as well' test "$(records duplicate)" = 4
echo '{"path":"d/DICOMDIR","ticket":"T1"}' >in
exits 0 'by a record' import <in
ok 'is taken as well' test "$(records duplicate)" = 4
exits 0 'a dry run' import -n d/DICOMDIR
ok 'compares as well' grep -q '"listed":4,"absent":0,.*"dry_run":true}$' out

# ---- names ---------------------------------------------------------------

# each file of the disc renamed by a perl expression
named()
{
	made d
	(cd d && find A -depth -exec perl -e '
		my $e = shift;
		for my $p (@ARGV) {
			my ($dir, $n) = $p =~ m,^(.*/)?([^/]+)$,;
			my $file = -f $p;
			$_ = $n;
			eval $e;
			die $@ if $@;
			rename $p, ($dir // "") . $_ if $_ ne $n;
		}' "$1" {} +)
	new
	exits 0 "names: $2" import d
	evidence >got
	same "names: $2: all is found" got <<!
ignored d/DICOMDIR "listed":4,"absent":0,"unlisted":0
!
	ok "names: $2: and stored" test "$(records stored)" = 4
}
named '$_ = lc' 'lower case'
named '$_ .= ".dcm" if $file' 'with .dcm'
named '$_ .= ".DCM" if $file' 'with .DCM'
named '$_ .= ";1" if $file' 'with ;1'
named '$_ .= ".;1" if $file' 'with .;1'
named '$_ = lc($_) . ($file ? ".dcm" : "")' 'lower case and .dcm'
made d && mv d/DICOMDIR d/dicomdir.dcm
new
exits 0 'a DICOMDIR by another name' import d
evidence >got
same 'is one by its content' got <<!
ignored d/dicomdir.dcm "listed":4,"absent":0,"unlisted":0
!

# What a record brings stays with the DICOMDIR that it names.
new
made d
echo '{"path":"d/DICOMDIR","batch":"7","from":{"a":[1]}}' >in
exits 0 'a record with more in it' import <in
ok 'keeps it' grep -q \
	'^{"status":"ignored","path":"d/DICOMDIR".*,"batch":"7","from":{"a":\[1\]}}$' out
ok 'and is the only one that does' test "$(grep -c batch out)" = 1
ok 'of five' test "$(wc -l <out)" = 5
exits 0 'again' import <in
ok 'still does' grep -q '"d/DICOMDIR".*"batch":"7"' out

# ---- what is absent, what is not listed ----------------------------------

made d && rm d/A/IM2 && img d/A/B/NEW 9 && mkdir d/C && img d/C/MORE 10
echo text >d/README
zip -qr d.zip d && (cd d && zip -qr ../in.zip .)
genisoimage -quiet -R -o d.iso d 2>/dev/null
for i in 1 2; do
	new
	exits 2 'one absent, two unlisted' import d
	evidence >got
	same 'are told' got <<!
ignored d/DICOMDIR "listed":4,"absent":1,"absentFiles":["A/IM2"],"unlisted":2,"unlistedFiles":["A/B/NEW","C/MORE"]
!
	ok 'what is there is stored' test "$(records stored)" = 5
	ok 'on stderr, too' grep -qx \
		'imgimport: d/DICOMDIR: lists A/IM2, which is not there' err
	exits 2 'again: the same' import d
	[ $i = 2 ] || { rm d/README && mkdir d/README; }
done
for f in d.zip in.zip d.iso; do
	new
	exits 2 "in $f" import $f
	evidence | sed 's/^[^"]*//' >got
	same "in $f: the same" got <<!
"listed":4,"absent":1,"absentFiles":["A/IM2"],"unlisted":2,"unlistedFiles":["A/B/NEW","C/MORE"]
!
	exits 2 "in $f: again the same status" import $f
done
new
exits 2 'a disc in a disc' sh -c 'zip -q0 outer.zip d.iso &&
	imgimport -q -C arch outer.zip'
ok 'is compared as well' grep -q \
	'"path":"outer.zip!/d.iso!/DICOMDIR".*"absent":1' out

made d && made d/A/SECOND
rm d/A/SECOND/A/IM1
new
exits 2 'a disc within a disc' import d
evidence | sort >got
same 'each has its own evidence' got <<!
ignored d/A/SECOND/DICOMDIR "listed":4,"absent":1,"absentFiles":["A/IM1"],"unlisted":0
ignored d/DICOMDIR "listed":4,"absent":0,"unlisted":3,"unlistedFiles":["A/SECOND/A/B/IM1","A/SECOND/A/B/IM2","A/SECOND/A/IM2"]
!

# ---- DICOMDIRs that are wrong --------------------------------------------

made d && head -c 900 d/DICOMDIR >t && mv t d/DICOMDIR
new
exits 2 'a DICOMDIR that is cut' import d
ok 'is rejected' grep -q \
	'^{"status":"rejected","path":"d/DICOMDIR","error":{"code":"truncated"' out
ok 'the images are stored all the same' test "$(records stored)" = 4
made d && echo text >d/DICOMDIR
new
exits 0 'a text by that name' import d
ok 'the images are stored all the same' test "$(records stored)" = 4
exits 0 'as operand' import d/DICOMDIR
made d && : >d/DICOMDIR
new
import d >out 2>err
ok 'an empty one: the images are stored all the same' \
	test "$(records stored)" = 4
made d
perl -0777pi -e 's/A\\B\\IM1/..\\..\\X/g' d/DICOMDIR
new
mkdir -p X && img X/secret 50
exits 2 'a file ID that leads out' import d
ok 'is absent, and nothing is read there' grep -q '"absent":1,' out
ok 'four are stored' test "$(records stored)" = 4
made d && mv d/A/IM1 outside && ln -s "$PWD/outside" d/A/IM1
new
import d >out 2>err
ok 'a link in a disc is a file' test "$(records stored)" = 4
finish

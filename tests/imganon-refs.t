# imganon-refs.t - references between objects of several kinds and patients,
# de-identified in several runs, still resolve; with another key none links.
. "$(dirname "$0")/lib.sh"
need perl dump2dcm dcmdump
root=1.2.840.10008.5.1.4.1.1

# object NAME CLASS PATIENT NUMBER [LINES]: UIDs are of patient and number.
object()
{
	{
		cat <<-!
		(0008,0016) UI $root.$2
		(0008,0018) UI 1.2.826.0.777.$3.$4
		(0008,0020) DA 20240$3$((10 + $4))
		(0008,0050) SH ACC000$3
		(0010,0010) PN Qwortz$3^Jane
		(0010,0020) LO PID-777-$3
		(0020,000d) UI 1.2.826.0.777.$3.1000
		(0020,000e) UI 1.2.826.0.777.$3.200$4
		(0020,0052) UI 1.2.826.0.777.$3.3000
		!
		cat
	} >dump
	mkdir -p "in/$1" && dump2dcm -q dump "in/$1/$3-$4.dcm"
}

refers() # SEQUENCE PATIENT NUMBER
{
	cat <<-!
	($1) SQ
	(fffe,e000) -
	(0008,1150) UI $root.2
	(0008,1155) UI 1.2.826.0.777.$2.$3
	(fffe,e00d) -
	(fffe,e0dd) -
	!
}

for p in 1 2 3; do
	for n in 1 2 3; do
		object ct 2 $p $n </dev/null
	done
	# RTSTRUCT: contour images and the frame of reference, nested
	object rt 481.3 $p 11 <<-!
	(3006,0010) SQ
	(fffe,e000) -
	(0020,0052) UI 1.2.826.0.777.$p.3000
	$(refers 3006,0016 $p 1)
	$(refers 3006,0016 $p 1 | sed 's/3006,0016/0008,1140/')
	(fffe,e00d) -
	(fffe,e0dd) -
	(3006,0020) SQ
	(fffe,e000) -
	(3006,0024) UI 1.2.826.0.777.$p.3000
	(fffe,e00d) -
	(fffe,e0dd) -
	!
	refers 300c,0060 $p 11 | object rt 481.5 $p 12	# plan of the structures
	refers 300c,0002 $p 12 | object rt 481.2 $p 13	# dose of the plan
	{ refers 0008,1140 $p 2; refers 0008,2112 $p 3; } |
		object derived 66.4 $p 14		# segmentation
	for kind in 88.33:15 88.59:17; do		# SR, KO: evidence
		object derived ${kind%:*} $p ${kind#*:} <<-!
		(0040,a375) SQ
		(fffe,e000) -
		(0008,1115) SQ
		(fffe,e000) -
		$(refers 0008,1199 $p 2)
		(0020,000e) UI 1.2.826.0.777.$p.2002
		(fffe,e00d) -
		(fffe,e0dd) -
		(0020,000d) UI 1.2.826.0.777.$p.1000
		(fffe,e00d) -
		(fffe,e0dd) -
		!
	done
	object derived 11.1 $p 16 <<-!
	(0008,1115) SQ
	(fffe,e000) -
	$(refers 0008,1140 $p 3)
	(0020,000e) UI 1.2.826.0.777.$p.2003
	(fffe,e00d) -
	(fffe,e0dd) -
	!
done
ok 'the set' test "$(find in -type f | wc -l)" = 30

# links FOLDER: which reference of which class leads to what; unresolved ones
# are marked.  No UIDs in it, so that two folders can be compared.
links()
{
	find "$1" -type f | while read -r f; do
		echo "FILE"
		dcmdump -q "$f"
	done | perl -ne '
		if (/^FILE/) { $n++ }
		elsif (/^\((....,....)\) UI (?:=(\w+)|\[(.*?)\])/) {
			$class[$n] = $2 // $3 if $1 eq "0008,0016";
			next unless defined $3;
			$uid{sop}{$3} = $n if $1 eq "0008,0018";
			$uid{study}{$3} = 1 if $1 eq "0020,000d";
			$uid{series}{$3} = 1 if $1 eq "0020,000e";
			$uid{frame}{$3} = 1 if $1 eq "0020,0052";
		} elsif (/^\s+\((0008,1155|0020,000e|0020,000d|0020,0052|3006,0024)\) UI \[(.*?)\]/) {
			push @ref, [$n, $1, $2];
		}
		END {
			my %of = ("0008,1155" => "sop", "0020,000e" => "series",
				"0020,000d" => "study");
			for (@ref) {
				my ($n, $tag, $to) = @$_;
				my $u = $uid{$of{$tag} // "frame"}{$to};
				print "$class[$n] $tag ", defined $u ?
				    $of{$tag} && $of{$tag} eq "sop" ?
				    $class[$u] : "found" : "LOST", "\n";
			}
		}' | sort
}
links in >before
ok 'references are there' test "$(wc -l <before)" -ge 48
ok 'and all resolve' sh -c '! grep -q LOST before'

imganon --new-key key && imganon --new-key key2
for kind in derived ct rt; do
	exits 0 "a run of its own: $kind" imganon --key key -o de in/$kind
done
links de >after
same 'all resolve after three runs' after <before
exits 0 'all in one run, one thread' imganon -j 1 --key key -o once in
ok 'gives the same' diff -r de once
exits 0 'and with many threads' imganon -j 8 --key key -o many in
ok 'the same again' diff -r de many
ok 'three patients' test "$(find de -type f -exec dcmdump -q +P 0010,0020 {} + |
	grep "\[" | sort -u | wc -l)" = 3
ok 'three accessions' test "$(find de -type f -exec dcmdump -q +P 0008,0050 {} + |
	grep "\[" | sort -u | wc -l)" = 3

# ---- a disc of them -----------------------------------------------------

# These objects are not complete, and some have no place in a DICOMDIR.
imgexport -q --media -o disc de >exported 2>/dev/null
dcmdump -q +L disc/DICOMDIR >dir
ok 'a disc of three patients' test "$(grep -c '(0004,1430) CS \[PATIENT\]' dir)" = 3

# ---- another key --------------------------------------------------------

exits 0 'another key' imganon --key key2 -o other in
uids()
{
	find "$1" -type f -exec dcmdump -q {} + | grep -o '2\.25\.[0-9]*' | sort -u
}
uids de >u1
uids other >u2
ok 'as many UIDs' test "$(wc -l <u1)" = "$(wc -l <u2)"
ok 'and not one the same' test "$(comm -12 u1 u2 | grep -vc \
	2.25.20697644332570380957276503455034688131)" = 0
ok 'no UID is longer than 64, none begins with 0' sh -c \
	'! grep -E "^.{65}|\.0[0-9]" u1 u2'

# ---- dates --------------------------------------------------------------

exits 0 'dates moved' imganon --key key --profile research -o dates in
# Per patient the days between the objects; the offsets differ.
spread()
{
	find "$1" -type f | while read -r f; do
		dcmdump -q +P 0010,0020 +P 0008,0020 "$f" |
			sed 's/.*\[\(.*\)\].*/\1/' | tr '\n' ' '
		echo
	done | perl -MTime::Local -ne '
		my ($d, $p) = split;
		($d, $p) = ($p, $d) if $p =~ /^\d{8}$/;
		push @{ $of{$p} }, timegm(0, 0, 0, substr($d, 6), substr($d, 4, 2) - 1,
			substr($d, 0, 4)) / 86400;
		END { for (values %of) { my @s = sort { $a <=> $b } @$_;
			push @out, join " ", map { $_ - $s[0] } @s }
		print "$_\n" for sort @out }'
}
spread in >d1
spread dates >d2
same 'all intervals are kept' d2 <d1
finish

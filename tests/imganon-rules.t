# imganon-rules.t - rules of the user on top of a profile: what they do, what
# they cannot do, and that what they weaken is told.
. "$(dirname "$0")/lib.sh"
need dcmdump dcmodify dump2dcm b2sum
imganon --new-key key 2>/dev/null
phantom one --uid 2.25.1001 --study 2.25.10 --series 2.25.11 --id TEST-77 \
	--modality CT --date 20240102 a.dcm
dcmodify -nb -i '0010,1010=042Y' -i '0018,1000=SERIAL7' \
	-i '0008,103e=Neck' -i '0020,0052=2.25.99' -i '0008,0060=CT' \
	-i '0018,1030=PROTO' -i '0040,0254=Descr' -i '0018,0060=120' \
	-i '0010,2160=SYN' -i '0008,0080=Synth Hospital' \
	-i '0010,21c0=4' -i '0018,6000=1' -i '0018,6016=1' \
	-i '0018,6020=1' -i '0018,0050=1.23456' -i '0018,9073=1.5' -i '0018,1023=Head Doenitz' \
	a.dcm
# A private block, with two elements.
{
	dcmdump -q +L a.dcm | grep -v '^(0002\|^(7fe0'
	cat <<-'!'
	(0019,0010) LO [SYNTH 01]
	(0019,1010) LO [KEEP]
	(0019,1011) LO [DROP]
	(7fe0,0010) OW 0000\0000
	!
} >dump
dump2dcm -q dump a.dcm

value()
{
	dcmdump +P "$2" "$1" | head -n 1 | sed 's/^[^[]*\[\(.*\)\].*/\1/'
}
ruled()
{
	rm -rf new
	cat >rules
	exits 0 "$1" imganon --key key --rules rules -o new --report report a.dcm
	new=$(find new -type f)
}
refused()
{
	cat >rules
	exits 64 "$1" imganon --key key --rules rules -o bad a.dcm
	ok "$1: file, line and reason" grep -q "^imganon: $2" err
}

# ---- what they do -------------------------------------------------------

ruled 'rules of every kind' <<'!'
# a comment
PatientAge	keep
(0018,1000)   dummy   # at the end, too
0018,1030     empty

FrameOfReferenceUID keep
0040,xx54     keep
KVP           remove
0019,xx10 "SYNTH 01" keep
!
ok 'kept' test "$(value "$new" 0010,1010)" = 042Y
ok 'a dummy' test "$(value "$new" 0018,1000)" = REMOVED
ok 'empty' sh -c "dcmdump +P 0018,1030 '$new' | grep -q 'no value'"
ok 'a kept UID' test "$(value "$new" 0020,0052)" = 2.25.99
ok 'a pattern' test "$(value "$new" 0040,0254)" = Descr
ok 'removed, though the table has no row for it' sh -c \
	"[ -z \"\$(dcmdump +P 0018,0060 '$new')\" ]"
ok 'a private attribute of that creator' test "$(value "$new" 0019,1010)" = KEEP
ok 'with its creator' test "$(value "$new" 0019,0010)" = 'SYNTH 01'
ok 'and no other' sh -c "[ -z \"\$(dcmdump +P 0019,1011 '$new')\" ]"
ok 'the rest as ever' test "$(value "$new" 0008,103e)" != Neck

# ---- that it is told ----------------------------------------------------

ok 'the record counts what was left' grep -q '"weaker":5' out
ok 'the report says instead of what' grep -q \
	'"tag":"(0010,1010)","row":"PatientAge","depth":0,"action":"K","option":"rules","instead":"X"' report
sum=$(b2sum -l 256 rules | cut -c 1-16)
ok 'the object names the rules' sh -c \
	"dcmdump -q +L +P 0012,0063 '$new' | grep -q 'weakened by rules $sum'"
ok 'and does not claim the profile' sh -c "! dcmdump -q '$new' | grep -q 113100"
ok 'but that it is de-identified' test "$(value "$new" 0012,0062)" = YES
ruled 'rules that take more' <<'!'
KVP remove
0018,xxxx remove
!
ok 'weaken nothing' sh -c '! grep weaker out'
ok 'the profile is claimed' sh -c "dcmdump -q '$new' | grep -q 113100"
ok 'and the rules are named' sh -c \
	"dcmdump -q +L +P 0012,0063 '$new' | grep -q 'changed by rules'"
ok 'all of the group is gone' sh -c "! dcmdump -q '$new' | grep -q '^(0018,'"
ruled 'a name that stays' <<'!'
PatientName keep
!
ok 'stays' test "$(value "$new" 0010,0010)" = "$(value a.dcm 0010,0010)"
ok 'and the identity is not called removed' test "$(value "$new" 0012,0062)" = NO
ruled 'a date that stays' <<'!'
StudyDate keep
!
ok 'is marked' test "$(value "$new" 0028,0303)" = UNMODIFIED
ruled 'a date that is moved' <<'!'
StudyDate clean
!
ok 'is another one' sh -c '[ "$1" != 20240102 ] && [ "${#1}" = 8 ]' sh \
	"$(value "$new" 0008,0020)"
ok 'and marked' test "$(value "$new" 0028,0303)" = MODIFIED
ruled 'a creator between blanks' <<'!'
0019,xx10 " SYNTH 01 " keep
!
ok 'is the same' test "$(value "$new" 0019,1010)" = KEEP
# A pattern passes over what has nothing to clean: numbers would be spoiled.
ruled 'a pattern that cleans' <<'!'
0018,xxxx clean
!
ok 'leaves numbers' test "$(value "$new" 0018,0050)" = 1.23456
ok 'in binary, too' sh -c "dcmdump '$new' | grep -q '0018,9073) FD 1.5 '"
ok 'and what the profile does with them' test -z "$(dcmdump +P 0018,9074 "$new")"
ok 'but cleans texts' test "$(value "$new" 0018,1023)" = Head
ruled 'dummies' <<'!'
0010,xxxx dummy
0018,90xx dummy
0018,6xxx dummy
!
dcmdump "$new" | grep '^(0010,[24]\|^(0018,[69]' | sed 's/  *#/ #/; s/ [A-Za-z0-9]*$//' >got
same 'are of the length that they have' got <<'!'
(0010,2160) SH [REMOVED] #   8, 1
(0010,21c0) US 0 #   2, 1
(0018,6000) DS [0] #   2, 1
(0018,6016) UL 0 #   4, 1
(0018,6020) SL 0 #   4, 1
(0018,9073) FD 0 #   8, 1
!
ruled 'the later one of two holds' <<'!'
0010,xxxx keep
PatientAge remove
0010,21xx remove
!
ok 'so it does' sh -c "! dcmdump -q '$new' | grep -q '^(0010,1010)\|^(0010,2160)'"
ok 'what they leave identifies' test "$(value "$new" 0012,0062)" = NO
ruled 'all there is' <<'!'
xxxx,xxxx remove
!
ok 'but what it cannot do without' sh -c \
	'[ "$1" = "$(basename "$2" .dcm)" ] && dcmdump -q +P 7fe0,0010 "$2" |
	grep -q 7fe0' sh "$(value "$new" 0008,0018)" "$new"
exits 0 'explained' imganon --rules rules --explain PatientAge
same 'what is done comes last' out <<'!'
(0010,1010) PatientAge
Table E.1-1, 2026d
basic: X
retain-patient: K
without rules: X (basic): removed
here: rule of line 1: removed
!

# What a rule keeps is no secret, but the gate still looks for the rest.
dcmodify -nb -m '0008,103e=of TEST-77' a.dcm
cat >rules <<'!'
SeriesDescription keep
!
exits 1 'an identifier in what a rule keeps' \
	imganon --key key --rules rules -o gate a.dcm
ok 'is found' grep -q '"reason":"(0008,103e) still has' out

# ---- what they cannot do ------------------------------------------------

refused 'no such attribute' 'rules:2: no such attribute' <<'!'
PatientAge keep
PatientAgee keep
!
refused 'no action' 'rules:1: keep, clean' <<'!'
PatientAge
!
refused 'a wrong one' 'rules:1: keep, clean' <<'!'
PatientAge hide
!
refused 'too much' 'rules:1: one rule a line' <<'!'
PatientAge keep remove
!
refused 'twice' 'rules:3: line 1 has a rule' <<'!'
PatientAge keep
# between
(0010,1010) remove
!
refused 'what names the object' 'rules:1: this attribute has no rule' <<'!'
SOPInstanceUID keep
!
refused 'what says how pixels are made' 'rules:1: this attribute has no rule' <<'!'
Rows remove
!
refused 'a private one without creator' 'rules:1: a private attribute stays' <<'!'
0019,1010 keep
!
refused 'a creator of an even group' 'rules:1: a creator goes with' <<'!'
0018,xx10 "SYNTH 01" keep
!
refused 'a creator without end' 'rules:1: no creator' <<'!'
0019,xx10 "SYNTH 01 keep
!
refused 'a UID that is none' 'rules:1: this attribute holds no UID' <<'!'
PatientAge uid
!
refused 'a number to be cleaned' 'rules:1: this attribute holds no text' <<'!'
PatientWeight clean
!
refused 'no rule at all' 'rules: no rules in it' </dev/null
printf 'PatientAge keep\0\n' >nul
refused 'a NUL' 'rules:1: ' <nul
exits 3 'no such file' imganon --key key --rules nothing -o bad a.dcm
ok 'nothing was written' test ! -e bad
finish

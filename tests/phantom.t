#!/bin/sh
# phantom.t - the images that the other tests are made of are what DCMTK
# thinks they are.
. "$(dirname "$0")/lib.sh"
need dcmdump

# value FILE TAG: as dcmdump shows it, without brackets.
value()
{
	dcmdump -q +P "$2" "$1" |
		sed -n '1s/^([0-9a-f,]*) .. \[*\([^]#]*[^]# ]\).*/\1/p'
}

exits 0 'the head' phantom head in
ok 'every file of it is DICOM' dcmdump -q in/current in/prior in/cr in/sr +sd
ls in/*/* | wc -l >n
same 'there are 130' n <<'!'
130
!
find in -name '*.dcm' -exec dcmdump -q +P 0008,0018 {} + | grep . |
	sort -u | wc -l >n
same 'no two have one SOPInstanceUID' n <<'!'
130
!
value in/current/IM0001.dcm 0020,0032 >pos
same 'the first slice lies lowest' pos <<'!'
-119.53125\-119.53125\-110.25
!

phantom head again
ok 'twice the same bytes' diff -r in again

for s in explicit implicit big deflated; do
	phantom one --syntax $s --name 'Test^One' --pixel 5 \
		--set '0028,0106=US:7' --omit 0008,1090 $s.dcm
	value $s.dcm 0010,0010 >v && value $s.dcm 0028,0106 >>v
	same "one, $s" v <<'!'
Test^One
7
!
	ok "no ManufacturerModelName, $s" sh -c \
		"dcmdump -q +P 0008,1090 $s.dcm | cmp - /dev/null"
	dcmdump -q +P 7fe0,0010 $s.dcm >pixel.$s
done
ok 'the same pixels in two byte orders' cmp pixel.explicit pixel.big
phantom one --pixel 5 a.dcm && phantom one --pixel 6 b.dcm
exits 1 'other pixels for another seed' cmp a.dcm b.dcm
exits 64 'an unknown option' phantom one --no-such x.dcm
exits 3 'a bad element' phantom one --set 0010=LO:x x.dcm
exits 0 'small ones' phantom small s 250
ls s | wc -l >n
same 'in folders of 100' n <<'!'
3
!
finish

# imgrecv-commitment.t - what the listener promises when it is asked to.
. "$(dirname "$0")/lib.sh"
need dcmsend
. "$TOP/tests/recv.sh"
CT=1.2.840.10008.5.1.4.1.1.2
MR=1.2.840.10008.5.1.4.1.1.4
mkdir in
for n in 1 2 3; do
	phantom one --study 2.25.10 --series 2.25.11 --uid "2.25.$n" \
		--modality CT in/$n.dcm
done
recv_start
exits 0 'three objects' dcmsend -aec IMGRECV 127.0.0.1 "$port" +sd in
exits 0 'all three are asked for' stgcmt "$port" IMGRECV 1.2.840.10008.1.2 \
	$CT 2.25.1 2.25.2 2.25.3
same 'all three are committed' out <<!
answer 0000
report 1 2.25.77
2.25.1 0000
2.25.2 0000
2.25.3 0000
!
f=$(file_of 2.25.2)
chmod u+w "$f"
printf x | dd of="$f" bs=1 seek=500 conv=notrunc 2>/dev/null
exits 0 'one that is damaged, one that never came' stgcmt "$port" IMGRECV \
	1.2.840.10008.1.2.1 $CT 2.25.1 2.25.2 2.25.4
same 'are not' out <<!
answer 0000
report 2 2.25.77
2.25.2 0110
2.25.4 0112
2.25.1 0000
!
rm -f "$(file_of 2.25.3)"
exits 0 'one that is gone' stgcmt "$port" IMGRECV 1.2.840.10008.1.2 $CT 2.25.3
same 'is not' out <<!
answer 0000
report 2 2.25.77
2.25.3 0110
!
exits 0 'one of another class' stgcmt "$port" IMGRECV 1.2.840.10008.1.2 \
	$MR 2.25.1
same 'is not' out <<!
answer 0000
report 2 2.25.77
2.25.1 0119
!
exits 143 'ends' recv_stop
finish

# dcmdiff.awk - the lines of dcmdump.awk (first file) against those of
# dcmevents -d (second): the first difference of each path.
BEGIN {
	FS = "\t"
}

FNR == NR {
	their[$1, ++n[$1]] = $2
	next
}

# Their line as ours would be.  DCMTK shows encapsulated pixel data as OB
# whatever its VR is, and UN sequences as SQ.
function alike(t, o,    p, q)
{
	if (split(t, p, " ") != split(o, q, " "))
		return 0
	if (p[1] != q[1] || p[2] != q[2] || p[4] != q[4])
		return 0
	return p[3] == q[3] || q[3] == "--" || \
		(q[4] == "u/l" && (p[3] == "OB" || p[3] == "SQ"))
}

{
	at = ++m[$1]
	if (!($1 in bad) && ($1 in n) && !alike(their[$1, at], $2)) {
		bad[$1] = 1
		print $1 "\t" $2 " | " their[$1, at]
	}
}

END {
	for (f in m)
		if (!(f in n))
			print f "\tnot read by DCMTK"
		else if (!(f in bad) && n[f] != m[f])
			print f "\tends early"
	for (f in n)
		if (!(f in m))
			print f "\tnot read by us, or not ascending"
}

# dcmdump.awk - the output of dcmdump +F as the lines of dcmevents -d: path,
# depth, tag, VR, length.

/^# dcmdump \(/ {
	path = $0
	sub(/^# dcmdump \([0-9]*\/[0-9]*\): /, "", path)
	next
}

/^ *\([0-9a-f][0-9a-f][0-9a-f][0-9a-f],[0-9a-f][0-9a-f][0-9a-f][0-9a-f]\) / {
	indent = index($0, "(") - 1
	tag = $1
	vr = $2
	if (!match($0, /# *[u0-9][\/l0-9]*, *[0-9]+ [^#]*$/))
		next
	size = substr($0, RSTART + 1)
	sub(/^ */, "", size)
	sub(/,.*/, "", size)
	if (vr == "up")		# offsets of a DICOMDIR
		vr = "UL"
	if (vr == "??")
		vr = "UN"
	line = path "\t" int(indent / 4) " " tag
	if (tag != "(fffe,e00d)" && tag != "(fffe,e0dd)")
		line = line " " vr " " size
	print line
}

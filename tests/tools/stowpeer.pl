#!/usr/bin/perl
# stowpeer.pl - a DICOMweb server that keeps what is posted and answers as it
# is told: stowpeer.pl PORTFILE DIR ANSWER
#
# ANSWER: a status; 200 and 202 name the instance, 202 with warning B000,
# 409 with reason A900; "empty" is a 200 that names nothing.
use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/listen.pl";

my ($file, $dir, $how) = @ARGV;

sub answer
{
	my ($sop) = @_;
	my $ref = qq("00081155":{"vr":"UI","Value":["$sop"]});
	return '{"00081199":{"vr":"SQ"}}' if $how eq 'empty';
	return qq({"00081199":{"vr":"SQ","Value":[{$ref}]}}) if $how eq '200';
	return qq({"00081199":{"vr":"SQ","Value":[{$ref,"00081196":{"vr":"US",) .
	    '"Value":[45056]}}]}}' if $how eq '202';
	return qq({"00081198":{"vr":"SQ","Value":[{$ref,"00081197":{"vr":"US",) .
	    '"Value":[43264]}}]}}' if $how eq '409';
	return '';
}

sub serve
{
	my ($c) = @_;
	while (defined(my $line = <$c>)) {
		my ($n, $boundary, $rq) = (0, '', $line);
		while (defined($line = <$c>) && $line =~ /\S/) {
			$n = $1 if $line =~ /^content-length:\s*(\d+)/i;
			$boundary = $1 if $line =~ /^content-type: multipart\/related; type="application\/dicom"; boundary=(\S+)/i;
		}
		read $c, my $body, $n;
		my ($sop, $status) = ('', $how eq 'empty' ? 200 : $how);
		if ($rq =~ m{^POST /web/studies HTTP} &&
		    $body =~ s/^--\Q$boundary\E\r\nContent-Type: application\/dicom\r\n\r\n// &&
		    $body =~ s/\r\n--\Q$boundary\E--\r\n$//) {
			($sop) = $body =~ /\x08\0\x18\0UI..([0-9.]+)/s;
			open my $out, '>', "$dir/$sop.dcm" or die;
			print $out $body;
			close $out;
		} else {
			$status = 404;
		}
		my $text = answer($sop);
		print $c "HTTP/1.1 $status X\r\nContent-Type: application/dicom+json\r\n" .
		    'Content-Length: ' . length($text) . "\r\n\r\n$text";
	}
}

serve_all($file, \&serve);

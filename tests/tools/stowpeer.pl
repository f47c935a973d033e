#!/usr/bin/perl
# stowpeer.pl - a DICOMweb server that keeps what is posted and answers as it
# is told: stowpeer.pl PORTFILE DIR ANSWER
#
# ANSWER: a status; 200 and 202 name the instance, 202 with warning B000,
# 409 with reason A900; "empty" is a 200 that names nothing, "other" one that
# names another instance, "but" one that names it as failed, "early" one that
# comes before the object, "drip" one that comes a byte at a time, "endless" one
# without an end; "307" leads to itself; "waitN" is a 503 that says to come
# again after N seconds, and then a 200.
use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/listen.pl";

my ($file, $dir, $how) = @ARGV;
$SIG{PIPE} = 'IGNORE';

sub answer
{
	my ($sop) = @_;
	my $ref = qq("00081155":{"vr":"UI","Value":["$sop"]});
	return '{"00081199":{"vr":"SQ"}}' if $how eq 'empty';
	return qq({"00081199":{"vr":"SQ","Value":[{$ref}]}})
	    if $how =~ /^(200|drip|early)$/ ||
	    $how =~ /^wait/ && -e "$dir/again";
	return qq({"00081199":{"vr":"SQ","Value":[{"00081155":{"vr":"UI",) .
	    '"Value":["2.25.99"]}}]}}' if $how eq 'other';
	return qq({"00081199":{"vr":"SQ","Value":[{$ref,"00081196":{"vr":"US",) .
	    '"Value":[45056]}}]}}' if $how eq '202';
	return qq({"00081198":{"vr":"SQ","Value":[{$ref,"00081197":{"vr":"US",) .
	    '"Value":[43264]}}]}}' if $how =~ /^(409|but)$/;
	return qq({"00081198":{"vr":"SQ","Value":[{$ref}]}}) if $how eq 'why';
	return qq({"00081198":{"vr":"SQ","Value":[{$ref,"00081197":{"vr":"US",) .
	    '"Value":["43264"]}}]}}' if $how eq 'text';
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
		my ($sop, $status) = ('', $how =~ /^\d/ ? $how : 200);
		$n = 4000 if $how eq 'early';
		read $c, my $body, $n;
		if ($how eq 'early') {
			($sop) = $body =~ /\x08\0\x18\0UI..([0-9.]+)/s;
			my $text = answer($sop);
			print $c "HTTP/1.1 200 X\r\nContent-Length: " .
			    length($text) . "\r\n\r\n$text";
			sleep 1;
			return;
		}
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
		my ($wait) = $how =~ /^wait(\d+)$/;
		my $text = answer($sop);
		if (defined $wait && !-e "$dir/again") {
			$status = 503;
			open my $f, '>', "$dir/again" or die;
		}
		if ($how eq 'endless') {
			print $c "HTTP/1.1 200 X\r\n\r\n";
			1 while print $c 'x' x 65536;
			return;
		}
		$text = "HTTP/1.1 $status X\r\nContent-Type: application/dicom+json\r\n" .
		    ($status == 503 && defined $wait ?
		    "Retry-After: $wait\r\n" : '') .
		    ($how eq '307' ? "Location: /web/studies\r\n" : '') .
		    'Content-Length: ' . length($text) . "\r\n\r\n$text";
		if ($how eq 'drip') {
			for (split //, $text) {
				defined syswrite($c, $_) or return;
				select undef, undef, undef, 0.4;
			}
			return;
		}
		print $c $text;
	}
}

serve_all($file, \&serve);

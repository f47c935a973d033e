/* warnings.hh - inside the room: what DCMTK only logs. */
#ifndef IMG_DCMTK_WARNINGS_HH
#define IMG_DCMTK_WARNINGS_HH

/* The JPEG and RLE decoders go on after damaged data, fill in what is missing
   and only log that they did.  From now on such a message is remembered; no
   message is shown.  For processes of one thread: a codec worker. */
void img_dcmtk_watch();
bool img_dcmtk_saw_damage();

#endif

"""urllib3's `filepost`."""

import codecs

from radiopool.http.filepost import choose_boundary, encode_multipart_formdata, iter_field_objects

__all__ = ["choose_boundary", "encode_multipart_formdata", "iter_field_objects", "writer"]

writer = codecs.lookup("utf-8")[3]

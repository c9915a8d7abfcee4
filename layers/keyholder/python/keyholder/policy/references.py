"""The forms of the references that evidence is filed under.

CAG: `22/CAG/0129`, the older `CAG 7-04(a)/2013`, and the same form for its forerunners ECC and PIAG, as `PIAG
4-05(j)/2006`. The first approvals of PIAG name no month: `PIAG 03(a)/2001`. Forms of ECC and PIAG were not read in a
published register. REC: `21/LO/0123`. IRAS: six or seven digits. DARS (data sharing agreements of NHS England):
`DARS-NIC-00574-V2H1F-v4.2`, the version optional; versions of one agreement share what stands before it.
"""

from __future__ import annotations

import re

CAG = re.compile(
    r"[0-9]{2}/CAG/[0-9]{4}"
    r"|(CAG|ECC|PIAG) [0-9]{1,2}-[0-9]{2} ?\([A-Za-z]{1,2}[0-9]{0,2}\)/[0-9]{4}"
    r"|PIAG [0-9]{2}\([a-z]\)/200[1-9]"
)
CAG_FORM = "a CAG reference, for example 22/CAG/0129 or CAG 7-04(a)/2013"

REC = re.compile(r"[0-9]{2}/[A-Z]{2}/[0-9]{4}")
REC_FORM = "a REC reference, for example 21/LO/0123"

IRAS = re.compile(r"[0-9]{6,7}")
IRAS_FORM = "an IRAS ID, six or seven digits"

DARS = re.compile(r"DARS-NIC-[0-9]{5,6}-[A-Z0-9]{5}(-v[0-9]+(\.[0-9]+)?)?")
DARS_FORM = "a DARS reference, for example DARS-NIC-00574-V2H1F-v4.2"

PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PROJECT_FORM = "a project id"

ORGANISATION = re.compile(r"[A-Z0-9]{2,10}")
ORGANISATION_FORM = "an organisation code (ODS), for example X26"

"""A workbook filled in and saved by LibreOffice itself, as a person at a desk would."""

import shutil
import subprocess
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import pytest

SOFFICE: Final = shutil.which("soffice") or shutil.which("libreoffice")
needs_libreoffice: Final = pytest.mark.skipif(
    SOFFICE is None, reason="LibreOffice is not installed (apt-get install libreoffice-calc-nogui)"
)

# Without this, the first start takes the profile for an unfinished one and puts its own in its place.
_SETTINGS: Final = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
 <item oor:path="/org.openoffice.Setup/Office"><prop oor:name="ooSetupInstCompleted" oor:op="fuse"><value>true</value></prop></item>
</oor:items>
"""
_LIBRARIES: Final = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:libraries PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "libraries.dtd">
<library:libraries xmlns:library="http://openoffice.org/2000/library">
 <library:library library:name="Standard" library:link="false"/>
</library:libraries>
"""
_LIBRARY: Final = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE library:library PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "library.dtd">
<library:library xmlns:library="http://openoffice.org/2000/library" library:name="Standard" library:readonly="false" library:passwordprotected="false">
{elements}</library:library>
"""
_MODULE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Desk" script:language="StarBasic">{code}</script:module>
"""


def filled_in(workbook: bytes, cells: Mapping[tuple[int, int], str | Decimal], folder: Path, *, sheet: str = "Return") -> bytes:
    """The workbook after LibreOffice opened it, entered `cells` (row and column, from 0) and saved it as what it was."""
    assert SOFFICE is not None
    sent, saved, profile = folder / "sent.xlsx", folder / "saved.xlsx", folder / "profile"
    sent.write_bytes(workbook)
    entries = [
        f"cell = sheet.getCellByPosition({column}, {row}) : cell.{'String' if isinstance(value, str) else 'Value'} = {_basic(value)}"
        for (row, column), value in cells.items()
    ]
    code = "\n".join(
        [
            "Sub Fill",
            f'document = StarDesktop.loadComponentFromURL("{sent.as_uri()}", "_blank", 0, Array(Named("Hidden", True)))',
            f'sheet = document.Sheets.getByName("{sheet}")',
            *entries,
            f'document.storeToURL("{saved.as_uri()}", Array(Named("FilterName", "Calc MS Excel 2007 XML")))',
            "document.close(True)",
            "StarDesktop.terminate()",
            "End Sub",
            "Function Named(key, value)",
            "Dim pair As New com.sun.star.beans.PropertyValue : pair.Name = key : pair.Value = value : Named = pair",
            "End Function",
        ]
    )
    basic = profile / "user/basic/Standard"
    basic.mkdir(parents=True)
    (profile / "user/registrymodifications.xcu").write_text(_SETTINGS, encoding="utf-8")
    for name in ("script", "dialog"):
        (basic.parent / f"{name}.xlc").write_text(_LIBRARIES, encoding="utf-8")
    (basic / "script.xlb").write_text(_LIBRARY.format(elements=' <library:element library:name="Desk"/>\n'), encoding="utf-8")
    (basic / "dialog.xlb").write_text(_LIBRARY.format(elements=""), encoding="utf-8")
    (basic / "Desk.xba").write_text(_MODULE.format(code=escape(code)), encoding="utf-8")
    said = subprocess.run(
        [SOFFICE, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "macro:///Standard.Desk.Fill"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert saved.exists(), said.stdout + said.stderr
    return saved.read_bytes()


def _basic(value: str | Decimal) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)

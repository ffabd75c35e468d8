@echo off
rem The same commands as the Makefile, for Windows: make lab (in PowerShell: ./make lab).
rem They are defined in tools\tasks.py. The variable PYTHON can name the Python to use.
setlocal
set RUN=python
where py >nul 2>nul && set RUN=py -3
if defined PYTHON set RUN="%PYTHON%"
cd /d "%~dp0"
%RUN% -m tools.tasks %*

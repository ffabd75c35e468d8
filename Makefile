# Every command is defined in tools/tasks.py; `make help` lists them. make.bat does the same on Windows.
PYTHON ?= python3
export FROM LESSON MODEL OPTIONS PROCESSOR TO UPGRADE

TARGETS := help lab test notebooks lessons text studies lint test-unit test-portable test-claims \
	pretrained bench requirements address install clean
.PHONY: $(TARGETS)

$(TARGETS):
	@"$(PYTHON)" -m tools.tasks $@

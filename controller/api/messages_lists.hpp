// The names of all messages, for what is done once for each: instantiating the codec, listing the schemas, testing.
#pragma once

// clang-format off
/// Every message that goes over the wire, for what is made once per message.
#define CELLRIG_API_MESSAGES(X) \
  X(TripView) X(ChannelView) X(ChamberWaitView) X(ChamberView) X(AlarmView) X(BenchView) X(RunView) \
  X(StepView) X(CycleView) X(EventView) X(ExpectedCurveView) X(SamplesView) X(ParameterView) X(ProfileView) \
  X(CellView) X(FindingView) X(CheckReport) X(RehearsalCurves) X(ApproachView) X(RehearsalResult) \
  X(RehearsalView) X(PreflightItem) X(CheckOrder) X(PreflightOrder) X(StartOrder) X(GoOnOrder) X(CellFileOrder) X(PersonOrder) \
  X(NoteOrder) X(LimitsOrder) X(AcknowledgeOrder) X(Started) X(SessionView) X(JobAccepted) X(Done) \
  X(ErrorDetail) X(ErrorBody) X(LiveSamples) X(StreamMessage)
/// Those that also come as a list.
#define CELLRIG_API_LISTS(X) \
  X(ChannelView) X(ChamberView) X(AlarmView) X(RunView) X(StepView) X(CycleView) X(EventView) \
  X(ExpectedCurveView) X(ProfileView) X(CellView) X(PreflightItem)
// clang-format on

#include "ui/live/bench_view.hpp"

#include <QComboBox>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QSettings>
#include <QVBoxLayout>

#include "ui/live/chamber_panel.hpp"
#include "ui/live/channel_tile.hpp"
#include "ui/live/flow_grid.hpp"
#include "ui/model/bench_model.hpp"
#include "ui/model/text.hpp"

namespace cellrig::ui {

namespace {
constexpr int tick_ms = 100;
constexpr int bench_margin = 12;
/// Of the tiles: the largest that lets all of them be seen without scrolling.
constexpr double tile_scales[] = {2.0, 1.75, 1.5, 1.25, 1.0};
}  // namespace

BenchView::BenchView(BenchModel& model, QWidget* parent) : QWidget(parent), model_(model) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(bench_margin, bench_margin, bench_margin, bench_margin);
  layout->setSpacing(bench_margin);
  make_tools();
  chambers_ = new ChamberPanel;
  chambers_->hide();
  connect(chambers_, &ChamberPanel::stop_requested, this, &BenchView::chamber_stop_requested);
  layout->addWidget(chambers_);
  placeholder_ = new QLabel;
  placeholder_->setProperty("role", QStringLiteral("title"));
  placeholder_->setAlignment(Qt::AlignCenter);
  placeholder_->setWordWrap(true);
  layout->addWidget(placeholder_, 1);
  auto* inner = new QWidget;
  grid_ = new FlowGrid(ChannelTile::width_min, inner);
  grid_->setSpacing(bench_margin);
  grid_->setContentsMargins(0, 0, 0, 0);
  scroll_ = new QScrollArea;
  scroll_->setWidgetResizable(true);
  scroll_->setWidget(inner);
  scroll_->setFocusPolicy(Qt::NoFocus);
  scroll_->hide();
  layout->addWidget(scroll_, 1);
  connect(&model_, &BenchModel::bench_changed, this, &BenchView::arrange);
  connect(&model_, &BenchModel::channel_changed, this, [this](const std::string& channel) { changed_.insert(to_text(channel)); });
  connect(&model_, &BenchModel::chambers_changed, this, [this] { chambers_->show_chambers(model_.bench().chambers); });
  tick_.setInterval(tick_ms);
  connect(&tick_, &QTimer::timeout, this, &BenchView::tick);
  tick_.start();
}

void BenchView::make_tools() {
  auto* row = new QHBoxLayout;
  row->setSpacing(bench_margin);
  search_ = new QLineEdit;
  search_->setPlaceholderText(tr("Find a channel, cell or profile (Ctrl+F)"));
  search_->setAccessibleName(tr("Find a channel, cell or profile"));
  search_->setClearButtonEnabled(true);
  group_ = new QComboBox;
  group_->setAccessibleName(tr("Which channels are shown"));
  group_->addItems({tr("All channels"), tr("Busy"), tr("Need attention"), tr("Free")});
  order_ = new QComboBox;
  order_->setAccessibleName(tr("Order of the channels"));
  order_->addItems({tr("By name"), tr("Attention first"), tr("Least time left first"), tr("By cell")});
  count_ = new QLabel;
  count_->setProperty("role", QStringLiteral("caption"));
  start_ = new QPushButton(tr("&Start a run…"));
  start_->setProperty("role", QStringLiteral("primary"));
  row->addWidget(search_, 1);
  row->addWidget(group_);
  row->addWidget(order_);
  row->addWidget(count_);
  row->addWidget(start_);
  static_cast<QVBoxLayout*>(layout())->addLayout(row);
  connect(search_, &QLineEdit::textChanged, this, &BenchView::arrange);
  connect(group_, &QComboBox::currentIndexChanged, this, &BenchView::arrange);
  connect(order_, &QComboBox::currentIndexChanged, this, &BenchView::arrange);
  connect(start_, &QPushButton::clicked, this, &BenchView::start_requested);
}

ChannelFilter BenchView::filter() const {
  return {.text = search_->text().trimmed().toStdString(),
          .group = static_cast<ChannelGroup>(group_->currentIndex()),
          .order = static_cast<ChannelOrder>(order_->currentIndex())};
}

void BenchView::arrange() {
  const bool is_known = model_.is_known();
  scroll_->setVisible(is_known);
  placeholder_->setVisible(!is_known);
  std::vector<std::string> wanted;
  for (const std::size_t i : filtered(model_.channels(), filter())) wanted.push_back(model_.channels()[i].channel);
  count_->setText(tr("%1 of %2").arg(wanted.size()).arg(model_.channels().size()));
  if (wanted == shown_ && grid_->count() == static_cast<int>(wanted.size())) return;
  shown_ = wanted;
  while (QLayoutItem* item = grid_->takeAt(0)) {
    item->widget()->hide();
    delete item;
  }
  QWidget* before = order_;
  for (const std::string& name : shown_) {
    ChannelTile*& tile = tiles_[to_text(name)];
    if (tile == nullptr) {
      tile = new ChannelTile(scroll_->widget());
      connect(tile, &QAbstractButton::clicked, this, [this, name] { Q_EMIT channel_opened(name); });
    }
    show_in_tile(*tile, *model_.channel(name));
    grid_->addWidget(tile);
    tile->show();
    setTabOrder(before, tile);
    before = tile;
  }
  choose_scale();
  QMetaObject::invokeMethod(this, &BenchView::choose_scale, Qt::QueuedConnection);
}

void BenchView::choose_scale() {
  const QSize room = scroll_->contentsRect().size();  // with or without a scroll bar: it must not decide about itself
  const auto count = static_cast<int>(shown_.size());
  for (const double scale : tile_scales) {
    scale_ = scale;
    grid_->set_item_width_min(static_cast<int>(ChannelTile::width_min * scale));
    const int rows = (count + grid_->columns_for(room.width()) - 1) / grid_->columns_for(room.width());
    const bool fits_in_width = ChannelTile::width_min * scale <= room.width();
    if (fits_in_width && rows * (ChannelTile::height_fixed * scale + bench_margin) - bench_margin <= room.height()) break;
  }
  for (ChannelTile* tile : tiles_) tile->set_scale(scale_);
  grid_->invalidate();
  scroll_->widget()->setMinimumHeight(grid_->heightForWidth(room.width()));
  grid_->activate();
  grid_->setGeometry(QRect(QPoint(0, 0), scroll_->widget()->size()));
}

void BenchView::resizeEvent(QResizeEvent* event) {
  QWidget::resizeEvent(event);
  QMetaObject::invokeMethod(this, &BenchView::choose_scale, Qt::QueuedConnection);  // once the layout knows its new size
}

// At most ten times a second, and only tiles that something happened to.
void BenchView::tick() {
  if (changed_.isEmpty() || !isVisible()) return;
  if (group_->currentIndex() != 0 || order_->currentIndex() != 0 || !search_->text().isEmpty()) arrange();
  for (const QString& name : changed_) {
    ChannelTile* tile = tiles_.value(name);
    const api::ChannelView* view = model_.channel(name.toStdString());
    if (tile != nullptr && view != nullptr) show_in_tile(*tile, *view);
  }
  changed_.clear();
}

void BenchView::show_in_tile(ChannelTile& tile, const api::ChannelView& view) {
  tile.show_channel(view, model_.spark(view.channel));
  if (is_alive_ || !isVisible() || !is_busy(view.state) || !view.voltage_V) return;
  is_alive_ = true;
  QMetaObject::invokeMethod(this, &BenchView::came_alive, Qt::QueuedConnection);  // once it is laid out
}

void BenchView::set_stale(bool is_stale) {
  for (ChannelTile* tile : tiles_) tile->set_stale(is_stale);
}

void BenchView::set_placeholder(const QString& text) { placeholder_->setText(text); }

ChannelTile* BenchView::tile(const std::string& channel) const { return tiles_.value(to_text(channel)); }

void BenchView::move_focus(int steps) {
  const auto* focused = qobject_cast<ChannelTile*>(focusWidget());
  const auto found = focused == nullptr ? shown_.end() : std::find(shown_.begin(), shown_.end(), focused->channel());
  const auto last = static_cast<std::ptrdiff_t>(shown_.size()) - 1;
  if (last < 0) return;
  const std::ptrdiff_t at = found == shown_.end() ? 0 : std::clamp<std::ptrdiff_t>(found - shown_.begin() + steps, 0, last);
  ChannelTile* next = tile(shown_[static_cast<std::size_t>(at)]);
  next->setFocus(Qt::TabFocusReason);
  scroll_->ensureWidgetVisible(next);
}

void BenchView::keyPressEvent(QKeyEvent* event) {
  const int columns = grid_->columns_for(scroll_->viewport()->width());
  switch (event->key()) {
    case Qt::Key_Left: move_focus(-1); return;
    case Qt::Key_Right: move_focus(1); return;
    case Qt::Key_Up: move_focus(-columns); return;
    case Qt::Key_Down: move_focus(columns); return;
    default: break;
  }
  if (event->matches(QKeySequence::Find)) {
    search_->setFocus(Qt::ShortcutFocusReason);
    search_->selectAll();
    return;
  }
  QWidget::keyPressEvent(event);
}

void BenchView::save_layout() const {
  QSettings settings;
  settings.setValue(QStringLiteral("bench/group"), group_->currentIndex());
  settings.setValue(QStringLiteral("bench/order"), order_->currentIndex());
}

void BenchView::restore_layout() {
  const QSettings settings;
  group_->setCurrentIndex(settings.value(QStringLiteral("bench/group"), 0).toInt());
  order_->setCurrentIndex(settings.value(QStringLiteral("bench/order"), 0).toInt());
}

}  // namespace cellrig::ui
